// The page of `edge-ser serve`: shows what comes over one stream of server-sent events, and sends what its buttons say.

const SHOWN_SECONDS = 30; // of the timeline
const QUIETEST_DB = -70; // left end of the level meter
const ANNOUNCE_SECONDS = 3; // a screen reader is told no more often
const LISTED_DECISIONS = 50;
const WARNING = { gap: "Audio was lost", clipping: "Too loud: turn the microphone down", noise: "The background is loud" };
const NOTICE = {
  mic_lost: "The microphone is gone; it is looked for until it is back",
  silent_input: "No signal at all: is the microphone muted, or the wrong one?",
  clipping_input: "Too loud: turn the microphone down",
  dc_offset: "The input is far off zero: the microphone or its cable is faulty",
  wrong_device: "By its name this is no microphone but what the machine plays",
};
const NOTICE_SECONDS = 10;
const COLOURS = ["neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised"];

const at = (id) => document.getElementById(id);
const now = () => performance.now() / 1000;
const percent = (share) => `${Math.round(100 * share)} %`;
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const signed = (value) => `${value < 0 ? "\u2212" : "+"}${Math.abs(value).toFixed(2)}`;
const decisionOf = (event) => `${event.state} ${event.emotion}`;

let labels = [];
let stepSeconds = 0.08;
let capture = { state: "unknown", source: "", microphone: false, problem: "" };
let event = null; // the latest
let heard = []; // of the timeline, each with its place on it in seconds
let listed = []; // decisions, newest first
let consentVersion = null; // null where corrections are not taken
let about = null; // the decision that is being corrected
let correctable = false; // whether one is remembered; muting forgets it
let noticeUntil = 0;
let notice = "";
let announcedAt = -ANNOUNCE_SECONDS;
let announcing = null;

// ---- what comes

const stream = new EventSource("events");
const on = (kind, show) => stream.addEventListener(kind, (message) => show(JSON.parse(message.data)));

on("start", (start) => {
  labels = start.labels;
  stepSeconds = start.step_seconds;
  consentVersion = start.feedback && start.feedback.consent;
  listed = start.decisions.filter(isListed).reverse();
  correctable = listed.length > 0;
  at("model").textContent = start.model;
  at("correct").hidden = consentVersion === null;
  if (start.feedback) at("consent-text").textContent = start.feedback.text;
  makeProbabilities();
  makeChoices();
  showList();
  showStats(start.stats);
  showCapture(start.capture);
});

on("capture", showCapture);

on("hear", (next) => {
  const changed = !event || decisionOf(event) !== decisionOf(next);
  addToTimeline(next);
  correctable ||= ["emotion", "uncertain"].includes(next.state);
  event = next;
  for (const name of next.notices) {
    notice = NOTICE[name] || "";
    noticeUntil = now() + NOTICE_SECONDS;
  }
  if (changed) {
    if (isListed(next)) {
      listed = [next, ...listed].slice(0, LISTED_DECISIONS);
      showList();
    }
    announce();
  } else if (listed.length && decisionOf(listed[0]) === decisionOf(next)) {
    listed[0] = next;
    at("decisions").querySelector(".percent").textContent = sureText(next);
  }
  if ("drift" in next) showDrift(next.drift);
  requestAnimationFrame(show);
});

on("stats", showStats);

stream.addEventListener("error", () => {
  showCapture({ ...capture, state: "unknown", problem: "The connection to edge-ser is lost; it is tried again until it is back." });
});

// ---- what is shown

function showCapture(next) {
  capture = next;
  const { state } = capture;
  if (!["listening", "ended"].includes(state)) {
    event = null;
    correctable = false;
  }
  document.body.dataset.state = state;
  setText("source", capture.source);
  setText("mute-text", { listening: "Mute", ended: "Play again", failed: "Try again" }[state] || "Unmute");
  at("mute").disabled = state === "unknown";
  at("problem").hidden = !capture.problem;
  setText("problem", capture.problem);
  show();
  announce();
}

/** Say whether a microphone is open: what must never be wrong. */
function showLamp() {
  const lost = capture.state === "listening" && event && event.state === "mic_lost";
  const state = lost ? "lost" : capture.state;
  const told = {
    listening: capture.microphone ? "Microphone on" : "Playing",
    lost: "No microphone",
    muted: "Microphone off",
    ended: "Ended",
    failed: "Not listening",
    unknown: "No connection",
  };
  at("microphone").dataset.capture = state;
  at("microphone").toggleAttribute("data-microphone", capture.microphone);
  setText("capture", told[state]);
}

/** Return what was decided, in a word and a sentence. */
function said() {
  const rest = {
    muted: ["Muted", "The microphone is closed: nothing is heard or kept"],
    ended: ["The end", "The recording is over"],
    failed: ["Not listening", ""],
    unknown: ["\u2026", ""],
  }[capture.state];
  if (rest) return rest;
  if (!event) return ["Listening", ""];
  const [best, share] = Object.entries(event.probabilities).reduce((a, b) => (b[1] > a[1] ? b : a));
  return {
    no_speech: ["Quiet", "Nobody speaks"],
    warming_up: ["Listening", "Too early to tell"],
    uncertain: ["Uncertain", `Perhaps ${best}, ${percent(share)}`],
    emotion: [capital(event.emotion || ""), `${percent(sureOf(event))} sure`],
    mic_lost: ["No microphone", "It is looked for until it is back"],
  }[event.state];
}

function show() {
  const [word, sentence] = said();
  setText("word", word);
  at("word").toggleAttribute("data-long", word.length > 10);
  setText("sentence", sentence);
  document.body.style.setProperty("--now", `var(${colourOf(event && event.emotion)})`);
  document.body.toggleAttribute("data-quiet", !event || !["emotion", "uncertain"].includes(event.state));
  at("correct").disabled = !correctable;
  setText("warnings", warning());
  showLamp();
  showFace();
  showAffect();
  showProbabilities();
  showLevel();
  drawTimeline();
}

function warning() {
  if (!event) return "";
  const flag = Object.keys(WARNING).find((name) => event.flags[name]);
  return now() < noticeUntil ? notice : flag ? WARNING[flag] : "";
}

/** Draw a face whose mouth is valence and whose eyes and brows are arousal. */
function showFace() {
  const decided = event && ["emotion", "uncertain"].includes(event.state);
  const valence = decided ? event.valence : 0;
  const arousal = decided ? event.arousal : 0;
  const sure = decided ? sureOf(event) : 0;
  const awake = event && event.state !== "no_speech" && event.state !== "mic_lost";
  const open = awake ? 9 + 5 * arousal : 1.5;
  at("sure").style.strokeDasharray = `${100 * sure} 100`;
  at("sure").style.opacity = sure ? 1 : 0;
  const level = event ? Math.max(0, 1 - event.level_dbfs / QUIETEST_DB) : 0;
  at("halo").style.transform = `scale(${0.9 + 0.3 * level})`;
  for (const side of ["left", "right"]) at(`eye-${side}`).setAttribute("ry", open);
  // Brows rise with arousal; they slope inwards in anger (excited, unpleasant) and outwards in sadness (calm, unpleasant).
  const height = 84 - 8 * arousal;
  const slope = 9 * Math.max(0, -valence) * (arousal > 0 ? 1 : -1);
  at("brow-left").setAttribute("d", `M74 ${height - slope} L102 ${height + slope}`);
  at("brow-right").setAttribute("d", `M166 ${height - slope} L138 ${height + slope}`);
  const lip = 152 - 8 * valence;
  const bend = 34 * valence;
  const gap = decided ? 20 * Math.max(0, arousal) : 0;
  at("mouth").setAttribute("d", `M90 ${lip} Q120 ${lip + bend - gap} 150 ${lip} Q120 ${lip + bend + gap} 90 ${lip}`);
}

function showAffect() {
  for (const name of ["valence", "arousal"]) {
    const value = event ? event[name] : 0;
    at(`${name}-mark`).style.left = `${50 * (1 + value)}%`;
    setText(name, signed(value));
  }
}

function makeProbabilities() {
  const rows = labels.map((label) => {
    const row = element("li", { id: `label-${label}` }, [
      element("span", {}, [capital(label)]),
      element("span", { class: "bar", "aria-hidden": "true" }, [element("i")]),
      element("span", { class: "percent" }, [percent(0)]),
    ]);
    row.style.setProperty("--of-label", `var(${colourOf(label)})`);
    return row;
  });
  at("probabilities").replaceChildren(...rows);
}

function showProbabilities() {
  for (const label of labels) {
    const row = at(`label-${label}`);
    const share = event ? event.probabilities[label] : 0;
    row.querySelector("i").style.width = percent(share).replace(" ", "");
    row.lastChild.textContent = percent(share);
    row.toggleAttribute("data-decided", Boolean(event && event.emotion === label));
  }
}

function showLevel() {
  const level = event ? Math.max(QUIETEST_DB, event.level_dbfs) : QUIETEST_DB;
  at("level-bar").style.width = `${100 * (1 - level / QUIETEST_DB)}%`;
  at("level-bar").parentElement.toggleAttribute("data-high", level > -6);
  const text = `${Math.round(level)} dB`.replace("-", "\u2212");
  setText("level-text", text);
  at("level").setAttribute("aria-valuenow", Math.round(level));
  at("level").setAttribute("aria-valuetext", text);
  at("speech").toggleAttribute("data-on", Boolean(event && event.speech));
}

/** Add a step. The time of a stream that was begun anew goes on where the one before it ended. */
function addToTimeline(next) {
  const last = heard.length ? heard[heard.length - 1] : { place: 0, time: next.time - stepSeconds };
  const passed = next.time > last.time ? next.time - last.time : stepSeconds;
  heard.push({ ...next, place: last.place + passed });
  while (heard[heard.length - 1].place - heard[0].place > SHOWN_SECONDS) heard.shift();
}

/** Draw the timeline: above how loud it was, coloured by what was decided; below how much each moment weighs. */
function drawTimeline() {
  const canvas = at("timeline");
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  const style = getComputedStyle(document.body);
  const paint = Object.fromEntries(
    ["soft", "line", "none", ...COLOURS].map((name) => [`--${name}`, style.getPropertyValue(`--${name}`)]),
  );
  pen.font = `14px ${style.fontFamily}`;
  pen.textBaseline = "middle";
  const left = 76;
  const axis = height - 10;
  const lanes = [
    { name: "Level", base: Math.round((height - 24) * 0.62), tall: (height - 24) * 0.58 },
    { name: "Attention", base: height - 24, tall: (height - 24) * 0.28 },
  ];
  for (const lane of lanes) {
    pen.fillStyle = paint["--soft"];
    pen.fillText(lane.name, 0, lane.base - lane.tall / 2);
    pen.fillStyle = paint["--line"];
    pen.fillRect(left, lane.base, width - left, 1);
  }
  pen.fillStyle = paint["--soft"];
  for (const ago of [30, 20, 10, 0]) {
    pen.textAlign = ago === SHOWN_SECONDS ? "left" : ago ? "center" : "right";
    pen.fillText(ago ? `\u2212${ago} s` : "now", width - (ago / SHOWN_SECONDS) * (width - left), axis);
  }
  pen.textAlign = "left";
  if (!heard.length) return;
  const end = heard[heard.length - 1].place;
  canvas.dataset.time = heard[heard.length - 1].time;
  const across = (width - left) / SHOWN_SECONDS; // pixels a second
  const wide = Math.max(1, across * stepSeconds - 0.3);
  for (const step of heard) {
    const x = width - (end - step.place + stepSeconds) * across;
    if (x < left) continue;
    const loud = Math.max(0, 1 - step.level_dbfs / QUIETEST_DB);
    pen.fillStyle = paint[colourOf(step.emotion)];
    bar(pen, x, lanes[0], loud, wide);
    // Beside an average moment of the utterance; more than three times that is drawn as three.
    const steps = Math.max(1, step.speech_seconds / stepSeconds);
    bar(pen, x, lanes[1], Math.min(1, (step.attention * steps) / 3), wide);
  }
}

function bar(pen, x, lane, share, wide) {
  if (share > 0) pen.fillRect(x, lane.base - share * lane.tall, wide, share * lane.tall);
}

function showList() {
  const rows = listed.map((decision) => {
    const row = element("li", {}, [
      element("span", { class: "dot", "aria-hidden": "true" }),
      element("span", {}, [decision.state === "mic_lost" ? "No microphone" : capital(decision.emotion || "uncertain")]),
      element("span", { class: "percent" }, [sureText(decision)]),
      element("time", {}, [new Date(1000 * decision.at).toLocaleTimeString("en-GB")]),
    ]);
    row.style.setProperty("--of-label", `var(${colourOf(decision.emotion)})`);
    return row;
  });
  at("decisions").replaceChildren(...(rows.length ? rows : [element("li", { class: "nothing" }, ["None yet"])]));
}

function showStats(stats) {
  const seconds = Math.round(stats.steps * stepSeconds);
  const share = stats.step_ms_p95 / (1000 * stepSeconds);
  setText("count-heard", `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")} min`);
  setText("count-p95", `${stats.step_ms_p95.toFixed(1)} ms of ${Math.round(1000 * stepSeconds)}`);
  setText("count-share", `${(100 * share).toFixed(1)} %`);
  setText("count-lost", `${stats.lost_seconds.toFixed(1)} s, ${stats.overflows} times`);
  setText("count-away", `${stats.mic_losses} times`);
  at("count-lost").parentElement.toggleAttribute("data-alert", stats.overflows > 0);
  at("count-away").parentElement.toggleAttribute("data-alert", stats.mic_losses > stats.mic_restorations);
  if ("drift" in stats) showDrift(stats.drift);
}

/** The one place where drift is shown: a number, a text, or an object with `score` and `state`. */
function showDrift(drift) {
  if (drift === null || drift === undefined) return;
  const { score, state } = typeof drift === "object" ? drift : { score: drift };
  const number = typeof score === "number" ? score.toFixed(2) : score;
  at("drift").hidden = false;
  setText("drift-value", [number, state].filter(Boolean).join(", ") || "\u2013");
}

/** Tell a screen reader, soon and not too often. */
function announce() {
  if (announcing) return;
  const wait = Math.max(0, announcedAt + ANNOUNCE_SECONDS - now());
  announcing = setTimeout(() => {
    announcing = null;
    announcedAt = now();
    const quiet = capture.state === "listening" && (!event || event.state === "warming_up");
    if (!quiet) setText("announcement", said().filter(Boolean).join(", "));
  }, 1000 * wait);
}

// ---- what the buttons do

at("mute").addEventListener("click", async () => {
  const muting = capture.state === "listening";
  at("mute").disabled = true;
  const answer = await post(muting ? "mute" : "unmute");
  at("mute").disabled = false;
  if (answer.error) showCapture({ ...capture, problem: answer.error });
});

at("correct").addEventListener("click", async () => {
  const answer = await post("feedback/about");
  if (answer.error) {
    setText("warnings", answer.error);
    return;
  }
  const { decision } = answer;
  about = answer.about;
  const heardAs = decision.emotion || "uncertain";
  setText("correction-about", `This device heard: ${heardAs}, ${percent(sureOf(decision))}.`);
  setText("correction-problem", "");
  at("correction-form").reset();
  at("correction").showModal();
});

at("cancel").addEventListener("click", () => at("correction").close());

at("correction-form").addEventListener("submit", async (submit) => {
  submit.preventDefault();
  const label = new FormData(at("correction-form")).get("label");
  const consent = at("consent").checked ? consentVersion : null;
  const answer = label ? await post("feedback", { about, label, consent }) : { error: "Choose what it was." };
  setText("correction-problem", answer.error || "");
  if (answer.error) return;
  at("correction").close();
  setText("announcement", `Thank you. Kept: ${answer.label}${answer.features ? ", with features" : ""}.`);
  setText("correct", "Thank you");
  setTimeout(() => setText("correct", "Not right?"), 3000);
});

function makeChoices() {
  const choices = labels.map((label) => {
    const choice = element("label", {}, [
      element("input", { type: "radio", name: "label", value: label, required: "" }),
      capital(label),
    ]);
    choice.style.setProperty("--of-label", `var(${colourOf(label)})`);
    return choice;
  });
  at("correction-labels").replaceChildren(...choices);
}

/** Send, and return the answer; `error` says what went wrong. */
async function post(path, body) {
  try {
    const answer = await fetch(path, { method: "POST", body: JSON.stringify(body ?? null) });
    return await answer.json();
  } catch {
    return { error: "edge-ser does not answer." };
  }
}

// ---- helpers

/** Return how likely what was decided is: not always the likeliest, for a decision is kept for a while. */
function sureOf(decision) {
  return decision.emotion ? decision.probabilities[decision.emotion] : decision.confidence;
}

function sureText(decision) {
  return decision.state === "mic_lost" ? "" : percent(sureOf(decision));
}

function isListed(decision) {
  return ["emotion", "uncertain", "mic_lost"].includes(decision.state);
}

/** Return the name of the colour in page.css: that of the label, or for another model's labels one in turn. */
function colourOf(label) {
  if (!label) return "--none";
  return `--${COLOURS.includes(label) ? label : COLOURS[Math.max(0, labels.indexOf(label)) % COLOURS.length]}`;
}

/** Text that stays the same is not set again: a screen reader would hear it. */
function setText(id, text) {
  if (at(id).textContent !== text) at(id).textContent = text;
}

function element(name, attributes = {}, children = []) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

new ResizeObserver(drawTimeline).observe(at("timeline"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawTimeline);
