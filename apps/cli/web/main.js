// Joins the panels to one call: the page's end of the duologue.
import { Call } from "./call.js";
import { Chat } from "./chat.js";
import { Files } from "./files.js";
import { Meter } from "./meter.js";
import { Board } from "./board.js";
import { IcePanel } from "./ice.js";

const $ = (id) => document.getElementById(id);
const board = new Board();
const ice = new IcePanel();
let call = null;

async function connect() {
  await hangUp();
  board.clear();
  ice.clear();
  try {
    call = await Call.begin(board, ice);
  } catch (error) {
    board.event("page", "error", error.message);
    return;
  }
  const chat = new Chat(call.channel("chat"));
  const files = new Files(call.channel("file"));
  const meter = new Meter(call.channel("meter"), call.channel("ping", { ordered: false, maxRetransmits: 0 }));
  const panels = [chat, files, meter];
  call.onopen = () => panels.forEach((panel) => panel.enable(true));
  call.onclose = () => {
    panels.forEach((panel) => panel.enable(false));
    buttons(false);
  };
  buttons(true);
  try {
    await call.start();
  } catch (error) {
    board.event("page", "error", error.message);
    await hangUp();
  }
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
