//! Using a page as a visitor does: WebDriver BiDi, which both browsers speak.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use futures_util::{SinkExt, StreamExt};

use crate::launch::{Browser, ProcessGroup, Running};

/// How long the browser may take to start, or to come to what is waited for.
const PATIENCE: Duration = Duration::from_secs(90);

/// One page of a headless browser. An error is a sentence for the test's output.
#[derive(Debug)]
pub struct Page {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    last_id: u64,
    context: String,
    _browser: Running,
    _driver: Option<ProcessGroup>,
}

impl Page {
    /// Starts a browser; its page is empty.
    pub async fn start(browser: Browser) -> Result<Page, String> {
        let starting = Self::connect(browser);
        let patient = tokio::time::timeout(PATIENCE, starting).await;
        patient.map_err(|_| format!("{browser:?} does not start"))?
    }

    async fn connect(browser: Browser) -> Result<Page, String> {
        let (running, driver, url, capabilities) = match browser {
            Browser::Firefox => {
                let started = browser.debuggable("WebDriver BiDi listening on ").await;
                let (running, url) = started.map_err(|e| format!("firefox-esr: {e}"))?;
                (running, None, url, json!({}))
            }
            Browser::Chromium => {
                let started = browser.debuggable("DevTools listening on ws://").await;
                let (running, devtools) = started.map_err(|e| format!("chromium: {e}"))?;
                let started = ProcessGroup::chromedriver().await;
                let (driver, port) = started.map_err(|e| format!("chromedriver: {e}"))?;
                let address = devtools.split('/').next().unwrap_or_default();
                let options = json!({ "debuggerAddress": address });
                let capabilities = json!({ "alwaysMatch": { "goog:chromeOptions": options } });
                let url = format!("ws://127.0.0.1:{port}");
                (running, Some(driver), url, capabilities)
            }
        };
        let connecting = connect_async(format!("{url}/session")).await;
        let (socket, _) = connecting.map_err(|e| format!("{browser:?}'s WebDriver: {e}"))?;
        let mut page = Page {
            socket,
            last_id: 0,
            context: String::new(),
            _browser: running,
            _driver: driver,
        };
        page.command("session.new", json!({ "capabilities": capabilities }))
            .await?;
        let tree = page.command("browsingContext.getTree", json!({})).await?;
        let context = tree["contexts"][0]["context"].as_str();
        page.context = context.ok_or("the browser has no page")?.to_owned();
        Ok(page)
    }

    /// Has a function run in every document before its scripts do.
    pub async fn before_scripts(&mut self, function: &str) -> Result<(), String> {
        let params = json!({ "functionDeclaration": function, "contexts": [self.context] });
        self.command("script.addPreloadScript", params).await?;
        Ok(())
    }

    /// Opens an address and waits until it is loaded.
    pub async fn open(&mut self, url: &str) -> Result<(), String> {
        let params = json!({ "context": self.context, "url": url, "wait": "complete" });
        self.command("browsingContext.navigate", params).await?;
        Ok(())
    }

    /// Loads the page anew.
    pub async fn reload(&mut self) -> Result<(), String> {
        let params = json!({ "context": self.context, "wait": "complete" });
        self.command("browsingContext.reload", params).await?;
        Ok(())
    }

    /// Makes the page as wide and high as this, in CSS pixels.
    pub async fn resize(&mut self, width: u32, height: u32) -> Result<(), String> {
        let viewport = json!({ "width": width, "height": height });
        let params = json!({ "context": self.context, "viewport": viewport });
        self.command("browsingContext.setViewport", params).await?;
        Ok(())
    }

    /// Clicks on the middle of an element, as soon as it is enabled.
    pub async fn click(&mut self, selector: &str) -> Result<(), String> {
        let element = self.element(selector).await?;
        let origin = json!({ "type": "element", "element": { "sharedId": element } });
        let actions = json!([
            { "type": "pointerMove", "x": 0, "y": 0, "origin": origin },
            { "type": "pointerDown", "button": 0 },
            { "type": "pointerUp", "button": 0 },
        ]);
        self.perform(json!({ "type": "pointer", "id": "mouse", "actions": actions }))
            .await
    }

    /// Clicks into a field and presses a key for each character; a newline is the enter key.
    pub async fn type_into(&mut self, selector: &str, text: &str) -> Result<(), String> {
        self.click(selector).await?;
        let key = |character: char| match character {
            '\n' => ENTER.to_owned(),
            other => other.to_string(),
        };
        let presses = text.chars().flat_map(|character| {
            ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key(character) }))
        });
        let actions: Vec<Value> = presses.collect();
        self.perform(json!({ "type": "key", "id": "keyboard", "actions": actions }))
            .await
    }

    /// Chooses a file, as the dialogue of an `<input type=file>` does.
    pub async fn choose_file(&mut self, selector: &str, file: &Path) -> Result<(), String> {
        let element = self.element(selector).await?;
        let params = json!({
            "context": self.context,
            "element": { "sharedId": element },
            "files": [file],
        });
        self.command("input.setFiles", params).await?;
        Ok(())
    }

    /// The value of an expression, in which `$` finds an element and `text` its text.
    pub async fn value(&mut self, expression: &str) -> Result<Value, String> {
        self.evaluate(&format!("() => {{ {HELPERS} return ({expression}); }}"))
            .await
    }

    /// The text of an element.
    pub async fn text(&mut self, selector: &str) -> Result<String, String> {
        let text = self.value(&format!("text({selector:?})")).await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Waits until an expression is truthy, looking at it whenever the document changes, and gives
    /// its value.
    pub async fn until(&mut self, expression: &str) -> Result<Value, String> {
        let function = format!(
            "() => new Promise((resolve) => {{
                {HELPERS}
                const look = () => {{
                    const value = ({expression});
                    if (value) {{ observer.disconnect(); resolve(value); }}
                }};
                const observer = new MutationObserver(look);
                const all = {{ subtree: true, childList: true, characterData: true, attributes: true }};
                observer.observe(document, all);
                look();
            }})"
        );
        match self.evaluate(&function).await {
            Ok(value) => Ok(value),
            Err(error) => Err(format!("waiting for {expression}: {error}")),
        }
    }

    /// The reference of an element that is there, enabled and scrolled to.
    async fn element(&mut self, selector: &str) -> Result<String, String> {
        self.until(&format!("$({selector:?})?.disabled === false || $({selector:?})?.disabled === undefined && $({selector:?})"))
            .await?;
        let function = format!(
            "() => {{ const e = document.querySelector({selector:?}); e.scrollIntoView({{ block: \"center\", behavior: \"instant\" }}); return e; }}"
        );
        let result = self.call(&function).await?;
        let id = result["sharedId"].as_str();
        Ok(id.ok_or("the element has no reference")?.to_owned())
    }

    async fn perform(&mut self, source: Value) -> Result<(), String> {
        let params = json!({ "context": self.context, "actions": [source] });
        self.command("input.performActions", params).await?;
        Ok(())
    }

    /// What a function of the page returns, by way of JSON.
    async fn evaluate(&mut self, function: &str) -> Result<Value, String> {
        let function = format!("async () => JSON.stringify(await ({function})() ?? null)");
        let result = self.call(&function).await?;
        let text = result["value"].as_str().unwrap_or("null");
        serde_json::from_str(text).map_err(|e| e.to_string())
    }

    async fn call(&mut self, function: &str) -> Result<Value, String> {
        let params = json!({
            "functionDeclaration": function,
            "awaitPromise": true,
            "target": { "context": self.context },
        });
        let mut answer = self.command("script.callFunction", params).await?;
        match answer["type"].as_str() {
            Some("success") => Ok(answer["result"].take()),
            _ => Err(answer["exceptionDetails"]["text"].to_string()),
        }
    }

    async fn command(&mut self, method: &str, params: Value) -> Result<Value, String> {
        let answer = tokio::time::timeout(PATIENCE, self.exchange(method, params)).await;
        answer.map_err(|_| format!("{method} takes longer than {PATIENCE:?}"))?
    }

    async fn exchange(&mut self, method: &str, params: Value) -> Result<Value, String> {
        self.last_id += 1;
        let command = json!({ "id": self.last_id, "method": method, "params": params });
        let lost = |e| format!("{method}: {e}");
        self.socket
            .send(Message::text(command.to_string()))
            .await
            .map_err(lost)?;
        while let Some(message) = self.socket.next().await {
            let Message::Text(text) = message.map_err(lost)? else {
                continue;
            };
            let mut answer: Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
            // Events, and answers to what was given up.
            if answer["id"] != json!(self.last_id) {
                continue;
            }
            return match answer["type"].as_str() {
                Some("success") => Ok(answer["result"].take()),
                _ => Err(format!(
                    "{method}: {}: {}",
                    answer["error"], answer["message"]
                )),
            };
        }
        Err(format!("{method}: the browser went away"))
    }
}

/// The enter key (WebDriver §17.4.2).
const ENTER: &str = "\u{e007}";

const HELPERS: &str = "const $ = (s) => document.querySelector(s);
    const text = (s) => $(s)?.textContent ?? \"\";";
