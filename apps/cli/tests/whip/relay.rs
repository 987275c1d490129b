//! A relay of one node: who may do what, what it shows of itself, and frames at viewers.

use duologue_cli::whip::Limits;
use duologue_cli::whip::serve::{Options, Tokens, Viewers};
use serde_json::Value;

use crate::media::{Program, counted};
use crate::raw::{Client, PATIENCE, SDP, Served, ask, file, for_publishers};

fn relay(tokens: Tokens) -> Options {
    Options {
        tokens,
        overview: true,
        ..for_publishers()
    }
}

#[tokio::test]
async fn a_file_is_published_to_two_viewers_and_the_relay_shows_it() {
    let (_relay, urls) = Program::serve(&["relay"]).await;
    let [whip, whep] = [0, 1].map(|n| urls[n].as_str());
    let mut publisher =
        Program::start(&["whip", "publish", whip, file().to_str().unwrap(), "--loop"]);
    publisher.told("connected").await;
    let watch = ["whep", "play", whep, "--wait", "20", "--seconds", "3"];
    let mut viewers = [Program::start(&watch), Program::start(&watch)];
    for viewer in &mut viewers {
        // Both ends are connected then, and its publisher is.
        viewer.told("playing").await;
    }

    let get = async |path: &str| {
        let authority = whip
            .trim_start_matches("http://")
            .trim_end_matches("/whip/live");
        let bearer = [("Authorization", "Bearer secret")];
        ask(authority, "GET", path, &bearer, "").await.body
    };
    let overview: Value = serde_json::from_str(&get("/api/overview").await).unwrap();
    assert_eq!(overview["streams"][0]["name"], "live", "{overview}");
    assert_eq!(overview["streams"][0]["viewers"], 2, "{overview}");
    let codecs = overview["streams"][0]["tracks"].as_array().unwrap();
    let mut codecs: Vec<&str> = codecs
        .iter()
        .filter_map(|it| it["codec"].as_str())
        .collect();
    codecs.sort_unstable();
    assert_eq!(codecs, ["VP8", "opus"], "{overview}");
    // Pictures come with the next key frame, which nobody tells of: it is asked again. Sound has no layers.
    let shown = async {
        loop {
            let overview: Value = serde_json::from_str(&get("/api/overview").await).unwrap();
            if overview["streams"][0]["layers"] == serde_json::json!([2]) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let shown = tokio::time::timeout(PATIENCE, shown).await;
    shown.expect("both viewers get the one layer");
    let metrics = get("/metrics").await;
    for line in [
        "duologue_relay_publishers 1",
        "duologue_relay_viewers 2",
        "duologue_connections{state=\"connected\"} 3",
    ] {
        assert!(metrics.lines().any(|it| it == line), "{line}: {metrics}");
    }

    for mut viewer in viewers {
        let played = viewer.told("played").await;
        assert!(counted(&played).iter().all(|count| *count > 20), "{played}");
    }
}

#[tokio::test]
async fn who_has_the_token_of_viewers_watches_and_does_nothing_else() {
    let secret = |text: &str| Some(text.to_owned());
    let offer = Client::publisher().await.offer;
    let watch = Client::viewer().await.offer;
    for (viewers, expected) in [
        (Viewers::LikeAll, [401, 401, 401]),
        (Viewers::Token("view".to_owned()), [401, 201, 401]),
        (Viewers::Public, [401, 201, 201]),
    ] {
        let all = secret("secret");
        let served = Served::start(relay(Tokens { all, viewers })).await;
        let bearer = |token| ("Authorization", token);
        let publish = async |headers: &[_]| served.ask("POST", "/whip/live", headers, &offer).await;
        let play = async |headers: &[_]| served.ask("POST", "/whep/live", headers, &watch).await;
        let refused = publish(&[SDP, bearer("Bearer view")]).await.status;
        assert_eq!(publish(&[SDP, bearer("Bearer secret")]).await.status, 201);
        let viewed = play(&[SDP, bearer("Bearer view")]).await.status;
        let open = play(&[SDP]).await.status;
        assert_eq!([refused, viewed, open], expected);
        assert_eq!(play(&[SDP, bearer("Bearer secret")]).await.status, 201);

        // The page is there to say a token on; what it shows is not.
        for (path, status) in [
            ("/", 200),
            ("/relay.js", 200),
            ("/watch.js", 200),
            ("/base.css", 200),
            ("/relay.css", 200),
            ("/metrics", 401),
            ("/api/overview", 401),
        ] {
            let answer = served.ask("GET", path, &[bearer("Bearer view")], "").await;
            assert_eq!(answer.status, status, "{path}");
        }
        let answer = served
            .ask("PUT", "/metrics", &[bearer("Bearer secret")], "")
            .await;
        assert_eq!(answer.all("Allow"), ["GET, HEAD, OPTIONS"]);
    }
}

#[tokio::test]
async fn publishers_and_viewers_have_limits_of_their_own() {
    let limits = Limits {
        publishers: 1,
        viewers: 1,
        ..Limits::default()
    };
    let served = Served::start(Options {
        limits,
        ..relay(Tokens::default())
    })
    .await;
    let offer = Client::publisher().await.offer;
    let watch = Client::viewer().await.offer;
    for (path, offer, status) in [
        ("/whip/live", &offer, 201),
        ("/whip/other", &offer, 503),
        ("/whep/live", &watch, 201),
        ("/whep/live", &watch, 503),
    ] {
        assert_eq!(served.post(path, offer).await.status, status, "{path}");
    }
    assert_eq!(served.ask("GET", "/", &[], "").await.status, 200);
}
