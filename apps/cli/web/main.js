// Joins the panels to one call: the page's end of the duologue.
import { Call } from "./call.js";
import { Chat } from "./chat.js";
import { Files } from "./files.js";
import { Media } from "./media.js";
import { Meter } from "./meter.js";
import { Board } from "./board.js";
import { IcePanel } from "./ice.js";
import { Phone } from "./phone.js";
import { Plot } from "./plot.js";

const $ = (id) => document.getElementById(id);
const board = new Board();
const ice = new IcePanel();
const plot = new Plot($("plot"), [{ colour: "--here", filled: true }, { colour: "--there", right: true }]);
const media = new Media(board);
const phone = new Phone(board, media);
let call = null;

async function connect() {
  await hangUp();
  board.clear();
  ice.clear();
  notice("");
  try {
    call = await Call.begin(board, ice);
  } catch (error) {
    fail(error);
    return;
  }
  const chat = new Chat(call.channel("chat"));
  const files = new Files(call.channel("file"));
  const ping = call.channel("ping", { ordered: false, maxRetransmits: 0 });
  const meter = new Meter(call.channel("meter"), ping, plot);
  const panels = [chat, files, meter, media, phone];
  media.attach(call);
  phone.attach(call);
  call.onopen = () => {
    notice("");
    panels.forEach((panel) => panel.enable(true));
  };
  call.onstuck = notice;
  call.onclose = (why) => {
    panels.forEach((panel) => panel.enable(false));
    buttons(false);
    if (why) notice(why);
  };
  buttons(true);
  try {
    await call.start();
  } catch (error) {
    fail(error);
    await hangUp();
  }
}

function fail(error) {
  board.event("page", "error", error.message);
  notice(error.message);
}

// One line for what a reader should not have to look for.
function notice(text) {
  $("notice").textContent = text;
  $("notice").hidden = !text;
}

async function hangUp() {
  await call?.close();
  call = null;
}

function buttons(live) {
  $("call").textContent = live ? "Reconnect" : "Connect";
  $("hangup").disabled = $("restart").disabled = !live;
}

$("call").onclick = connect;
$("hangup").onclick = hangUp;
$("restart").onclick = () => call?.pc.restartIce();
addEventListener("pagehide", () => call?.leave());
connect();
