// A ticket kiosk that hears how a visitor speaks and changes what stands on its screen.
//
// It reacts when a decision changes, not at every step, and goes back to its start page when nobody has spoken for a
// while. What it does not understand changes nothing: a visitor who is misread is worse off than one who is not read.
// No page ever takes a choice away: a misread visitor must still be able to buy a ticket.

export const LEFT_AFTER_SECONDS = 8; // of silence

const TICKETS = ["Single ticket", "Day ticket", "Other tickets"];
const SORRY = { tone: "sorry", title: "Sorry for the trouble.", text: "One press, and a person will come.", choices: ["Call a person", ...TICKETS] };

export const START = { tone: "usual", title: "Welcome. Where would you like to go?", text: "Choose your ticket.", choices: TICKETS };

export const PAGES = {
  neutral: START,
  angry: SORRY,
  disgusted: SORRY,
  fearful: { tone: "gentle", title: "No hurry.", text: "One step after the other. Shall we begin with where you are?", choices: ["Where am I?", ...TICKETS] },
  sad: { tone: "gentle", title: "Take your time.", text: "These are the tickets that most people choose.", choices: TICKETS },
  happy: { tone: "bright", title: "Lovely to see you!", text: "The offers of the day are one tap away.", choices: ["Offers of the day", ...TICKETS] },
  surprised: { tone: "usual", title: "Not what you expected?", text: "Here is how to go back.", choices: ["Back", ...TICKETS] },
};

/** Return the page to show after an event, and when somebody spoke last. */
export function next(shown, spokenAt, event) {
  if (event.speech) spokenAt = event.time;
  if (event.time < spokenAt) spokenAt = event.time; // another stream has begun
  if (event.time - spokenAt > LEFT_AFTER_SECONDS) return [START, spokenAt];
  const damaged = event.flags.gap || event.flags.clipping;
  if (event.state !== "emotion" || damaged) return [shown, spokenAt];
  return [PAGES[event.emotion] || shown, spokenAt];
}

const at = (id) => document.getElementById(id);
let shown = null;
let spokenAt = 0;
let listening = false;

function show(page) {
  // Nothing moves under a finger that is about to choose.
  if (page === shown || at("choices").contains(document.activeElement)) return;
  shown = page;
  document.body.dataset.tone = page.tone;
  at("title").textContent = page.title;
  at("text").textContent = page.text;
  at("choices").replaceChildren(
    ...page.choices.map((choice) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = choice;
      item.append(button);
      return item;
    }),
  );
}

function showCapture(capture) {
  listening = capture.state === "listening";
  const thing = capture.microphone ? "Microphone" : "Demonstration";
  at("microphone").textContent = capture.problem || `${thing}: ${listening ? "on" : capture.state === "ended" ? "ended" : "off"}`;
  at("mute").textContent = listening ? "Mute" : "Listen";
  at("mute").disabled = false;
  if (!listening) show(START);
}

const stream = new EventSource("events");
stream.addEventListener("start", (message) => showCapture(JSON.parse(message.data).capture));
stream.addEventListener("capture", (message) => showCapture(JSON.parse(message.data)));
stream.addEventListener("hear", (message) => {
  const [page, spoken] = next(shown, spokenAt, JSON.parse(message.data));
  spokenAt = spoken;
  show(page);
});
stream.addEventListener("error", () => {
  at("microphone").textContent = "Microphone: no connection";
  at("mute").disabled = true;
});
at("mute").addEventListener("click", () => fetch(listening ? "mute" : "unmute", { method: "POST" }));
show(START);
