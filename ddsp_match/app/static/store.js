// What the page knows. Everything that matters lives on the server: a reload asks for it again.
import { useState, useEffect } from "./lib.js";
import * as api from "./api.js";

let state = {
  reach: "waiting", // waiting | up | gone
  version: "", boot: "", limits: null, ready: true, qualities: [], effects: [], edits: [], exports: [], outputs: "outputs",
  jobs: [], sounds: [], runs: null, pairs: null, processors: [], // pairs: effects identified from a dry and a wet sound
  takeFiles: null, // where dropped files go, if not to a fit
  taking: "", // the file that is on its way to the server
  troubles: [], said: "", // said: the line that screen readers hear
  route: readRoute(),
};
const listeners = new Set();

export const current = () => state;
export function set(change) {
  state = { ...state, ...(typeof change === "function" ? change(state) : change) };
  listeners.forEach((listener) => listener());
}

// Draws a view again when the part it picks has changed.
export function useStore(pick) {
  const [, draw] = useState(0);
  const value = pick(state);
  useEffect(() => {
    let last = value;
    const listener = () => { const now = pick(state); if (now !== last) { last = now; draw((n) => n + 1); } };
    listeners.add(listener);
    listener();
    return () => listeners.delete(listener);
  });
  return value;
}

function readRoute() {
  const [, kind, id] = location.hash.match(/^#(sound|job|run|effect|compare)=(.+)$/) || location.hash.match(/^#(effects)()$/) || [];
  try { if (kind) return { kind, id: decodeURIComponent(id) }; } catch { /* an address that was cut or mistyped */ }
  return { kind: "home", id: "", lost: location.hash.length > 1 ? location.hash : "" };
}
addEventListener("hashchange", () => set({ route: readRoute() }));
export const go = (kind, id = "") => { location.hash = kind === "home" ? "" : href(kind, id); };
export const href = (kind, id) => (id ? `#${kind}=${encodeURIComponent(id)}` : `#${kind}`);

export const say = (said) => set({ said });

let nextTrouble = 0;
// about: the file or sound that it is about.
export function complain(error, about = "") {
  if (error.name === "AbortError") return;
  const trouble = error instanceof api.Trouble ? error : new api.Trouble({ found: String(error.message || error) });
  if (trouble.gone && state.reach === "gone") return; // the bar at the top says it
  if (state.troubles.some((one) => one.found === trouble.found && one.about === about)) return;
  set({ troubles: [...state.troubles.slice(-2), { key: ++nextTrouble, about, found: trouble.found, needed: trouble.needed, hint: trouble.hint }] });
}
export const dismiss = (key) => set((s) => ({ troubles: s.troubles.filter((one) => one.key !== key) }));

export async function refresh() {
  set({ ...(await api.get("/api/state")), reach: "up" });
}
export async function refreshRuns() {
  set({ runs: (await api.get("/api/runs")).runs });
}
export async function refreshPairs() {
  set({ pairs: (await api.get("/api/effects")).effects });
}

export const jobOf = (id) => (s) => s.jobs.find((job) => job.id === id);
export function setJob(id, change) {
  set((s) => ({ jobs: s.jobs.map((job) => (job.id === id ? { ...job, ...(typeof change === "function" ? change(job) : change) } : job)) }));
}
export const isOpen = (job) => ["queued", "running", "stopping"].includes(job.state);

// decoded: the format that the browser has read because the server could not.
export async function addSound(blob, name, onProgress, decoded) {
  const sound = await api.upload(`/api/sounds${api.query({ name, decoded })}`, blob, onProgress);
  addSounds(sound);
  return sound;
}
export const addSounds = (...sounds) => set((s) => ({ sounds: [...sounds, ...s.sounds.filter((one) => !sounds.some((other) => other.id === one.id))] }));
