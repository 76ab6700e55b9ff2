// Numbers in words, with their units.
export const minus = (text) => String(text).replace("-", "−");

export const decibels = (value, digits = 1) => `${value > 0 ? "+" : ""}${minus(value.toFixed(digits))} dB`;

export const hertz = (value) => (value >= 1000 ? `${+(value / 1000).toFixed(2)} kHz` : `${+value.toPrecision(4)} Hz`);

export const seconds = (value) => (value < 60 ? `${value.toFixed(value < 10 ? 2 : 1)} s` : clock(value));

export const clock = (value) =>
  value < 60 ? `${value.toFixed(2)} s` : `${Math.floor(value / 60)}:${(value % 60).toFixed(1).padStart(4, "0")}`;

export const bytes = (value) => (value >= 1048576 ? `${+(value / 1048576).toFixed(1)} MB` : `${Math.ceil(value / 1024)} kB`);

const NAMES = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];

export const midiOf = (hz) => 69 + 12 * Math.log2(hz / 440);

// 60 -> C4; the cents beside it where they can be heard.
export function note(midi) {
  const nearest = Math.round(midi);
  const cents = Math.round(100 * (midi - nearest));
  const name = `${NAMES[((nearest % 12) + 12) % 12]}${Math.floor(nearest / 12) - 1}`;
  return Math.abs(cents) < 3 ? name : `${name} ${cents > 0 ? "+" : "−"}${Math.abs(cents)} cents`;
}

// "3 minutes ago", "yesterday", or the date.
export function ago(when) {
  const then = typeof when === "number" ? new Date(when * 1000) : new Date(when);
  if (Number.isNaN(then.getTime())) return String(when ?? "");
  const passed = (Date.now() - then.getTime()) / 1000;
  if (passed < 60) return "just now";
  if (passed < 3600) return `${Math.round(passed / 60)} min ago`;
  if (passed < 86400) return `${Math.round(passed / 3600)} h ago`;
  if (passed < 172800) return "yesterday";
  return then.toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" });
}

// A file name without folders and ending, for a heading; “take 1.2” has none.
export const stem = (name) => String(name).split(/[\\/]/).pop().replace(/\.(wav|flac|og[ga]|mp3|aif[fc]?|caf|m4a|webm|opus|aac)$/i, "") || String(name);
