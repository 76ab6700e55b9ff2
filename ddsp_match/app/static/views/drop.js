// The first page: drop a sound, choose a file, or record one.
import { html, useEffect, useRef, useState } from "../lib.js";
import { useStore, addSound, complain, current, go, say, set } from "../store.js";
import { Trouble } from "../api.js";
import { Icon } from "./parts.js";
import { bytes } from "../format.js";
import { decodeHere, readByServer } from "../audio/wav.js";
import { Recorder } from "../audio/record.js";

const UNREADABLE = new Trouble({ found: "Something that the browser cannot read: a folder, or a file that has changed meanwhile.", needed: "One sound file.", try: "Drop a file. For a folder of sounds: “ddsp-match fit folder/” in a terminal." });

// Sends a sound to the server and shows it; says what is wrong before a long upload rather than after it.
// show: what is done with it then.
export async function take(blob, name, limits, onProgress = () => {}, show = (sound) => go("sound", sound.id)) {
  set({ taking: name, troubles: [] }); // what was wrong with the last one is over
  try {
    await blob.slice(0, 1).arrayBuffer().catch(() => { throw UNREADABLE; }); // else it looks as if the server were gone
    if (limits && blob.size > limits.bytes) {
      throw new Trouble({ found: `${name} has ${bytes(blob.size)}.`, needed: `at most ${bytes(limits.bytes)} and ${limits.seconds} s.`, try: "Cut out the note you want, or start the app with a larger --max-mb." });
    }
    say(`Uploading ${name}`);
    const sound = await send(blob, name, onProgress);
    say(`${sound.name} is ready.`);
    show(sound);
  } catch (error) { complain(error, name); }
  set({ taking: "" });
}

// What the server cannot read, the browser often can.
async function send(blob, name, onProgress) {
  try { return await addSound(blob, name, onProgress); } catch (refusal) {
    if (refusal.status !== 400 || readByServer(name)) throw refusal;
    const read = await decodeHere(blob).catch(() => { throw refusal; }); // the server's own words about it are the better ones
    return addSound(read, `${name.replace(/\.[^.]*$/, "")}.wav`, onProgress, name.split(".").pop().toLowerCase());
  }
}

export function DropVeil() {
  const [over, setOver] = useState(false);
  const limits = useStore((s) => s.limits), taking = useStore((s) => s.taking);
  useEffect(() => {
    let leave = 0;
    const drag = (event) => {
      if (![...event.dataTransfer.types].includes("Files")) return;
      event.preventDefault();
      clearTimeout(leave);
      setOver(true);
      leave = setTimeout(() => setOver(false), 250); // dragover comes often while it is over the page
    };
    const drop = (event) => {
      event.preventDefault();
      setOver(false);
      if (current().takeFiles) { current().takeFiles([...event.dataTransfer.files]); return; }
      const [file, ...others] = event.dataTransfer.files;
      if (file) take(file, file.name, limits);
      if (others.length) complain(new Trouble({ found: `${others.length + 1} files at once.`, needed: "One; the first is taken.", try: "Drop the others afterwards, or fit a folder with “ddsp-match fit folder/” in a terminal." }));
    };
    addEventListener("dragover", drag);
    addEventListener("drop", drop);
    return () => { removeEventListener("dragover", drag); removeEventListener("drop", drop); };
  }, [limits]);
  if (over) return html`<div class="drop-veil" aria-hidden="true">Drop it: this sound will be matched</div>`;
  return taking && html`<div class="taking"><i class="dot running"></i>Reading <b>${taking}</b></div>`;
}

function RecordButton({ limits }) {
  const [state, setState] = useState(null); // {level, seconds} while recording
  const recorder = useRef(null);
  const stop = async () => {
    const blob = recorder.current?.stop();
    recorder.current = null;
    setState(null);
    if (blob) await take(blob, `recording ${new Date().toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" }).replace(":", "-")}.wav`, limits);
  };
  const start = async () => {
    recorder.current = new Recorder({ maxSeconds: limits?.seconds || 60, onLevel: (level, seconds) => setState({ level, seconds }), onFull: stop });
    try { await recorder.current.start(); setState({ level: 0, seconds: 0 }); say("Recording"); } catch (error) { recorder.current.close(); complain(error); }
  };
  useEffect(() => () => recorder.current?.close(), []);
  if (!state) return html`<button type="button" class="big" onClick=${start}><${Icon} name="mic" />Record</button>`;
  return html`<button type="button" class="big danger recording" onClick=${stop}><${Icon} name="stop" />Stop <span class="number">${state.seconds.toFixed(1)} s</span>
    <span class="meter" aria-hidden="true"><span style=${{ transform: `scaleX(${Math.min(1, state.level)})` }}></span></span></button>`;
}

const STEPS = [
  ["Drop a sound", "A note, a phrase, a knock: anything you have on disk or can record."],
  ["Press Fit", "It tracks the pitch, makes a first guess, and improves it while you listen."],
  ["Play it", "Compare blind, turn the knobs, play it on a keyboard, take it along as SFZ, wavetable, MIDI."],
];

export function Home() {
  const limits = useStore((s) => s.limits), lost = useStore((s) => s.route.lost);
  const [share, setShare] = useState(null);
  const input = useRef();
  const choose = async ([file]) => {
    if (!file) return;
    setShare(0);
    await take(file, file.name, limits, setShare);
    setShare(null);
    input.current && (input.current.value = "");
  };
  return html`<div class="home">
    ${lost && html`<p class="banner" role="status">The address ends in <code>${lost}</code>, which names no sound and no match. The list beside this page has all of them.</p>`}
    <header><h1 tabindex="-1">Turn a recording into an instrument</h1>
      <p class="lead">Drop a sound, and ddsp-match finds synthesizer settings that reproduce it: partials along a pitch, and noise, each a number you can turn.</p></header>
    <section class="drop" aria-label="Add a sound">
      <div class="drop-art" aria-hidden="true">${[18, 34, 62, 44, 88, 70, 100, 58, 80, 40, 54, 26, 14].map((height) => html`<i style=${{ height: `${height}%` }}></i>`)}</div>
      <p class="drop-words">Drop a sound here</p>
      <div class="row">
        <button type="button" class="primary big" onClick=${() => input.current.click()} disabled=${share !== null}><${Icon} name="file" />${share === null ? "Choose a file" : `Uploading ${Math.round(100 * share)} %`}</button>
        <${RecordButton} limits=${limits} />
        <input ref=${input} type="file" accept="audio/*,.wav,.flac,.ogg,.mp3,.aiff,.aif,.caf,.m4a" hidden onChange=${(e) => choose(e.target.files)} />
      </div>
      <p class="quiet small">WAV, FLAC, OGG, MP3, AIFF, CAF and what your browser can read${limits ? html` · up to ${limits.seconds} s and ${bytes(limits.bytes)}` : ""}. ${limits?.fit_seconds_per_second ? `A fit takes about ${+limits.fit_seconds_per_second.toPrecision(1)} s for each second of sound. ` : ""} Nothing leaves this computer.</p>
    </section>
    <ol class="steps">${STEPS.map(([head, text], i) => html`<li><span aria-hidden="true">${i + 1}</span><div><h2>${head}</h2><p class="quiet">${text}</p></div></li>`)}</ol>
  </div>`;
}
