// The match as an instrument: a keyboard, its knobs, MIDI.
import { html, useEffect, useRef, useState } from "../lib.js";
import { complain, say } from "../store.js";
import { get, query, Trouble } from "../api.js";
import { useKeys } from "../keys.js";
import { Icon, Knob, Segments } from "./parts.js";
import { note } from "../format.js";

/* global Instrument, Keyboard */
function knobWords(knob, value) {
  if (knob.unit === "share") return `${Math.round(100 * value)} %`;
  if (knob.name !== "level" && knob.unit === "dB" && value <= knob.low) return "off";
  return `${value > 0 && knob.low < 0 ? "+" : ""}${+value.toFixed(2)} ${knob.unit || ""}`.replace("-", "−").trim();
}

// What a knob does to the keyboard, as an edit of the match; attack, release, reverb and level are the keyboard's own.
const AS_EDITS = [
  ["transpose", "semitones", "transpose", ({ formant }) => ({ formant })], ["brightness", "db_per_octave", "brightness"],
  ["harmonic", "db", "harmonic"], ["noise", "db", "noise"], ["vibrato_depth", "depth_cents", "vibrato", (knobs) => ({ rate_hz: knobs.vibrato_rate, delay_s: 0 })],
];
const OFF_DB = -80;
const restOf = (name) => Instrument.KNOBS.find((knob) => knob.name === name).value;
const offIfLow = (name, value) => (["harmonic", "noise"].includes(name) && knobWords(Instrument.KNOBS.find((knob) => knob.name === name), value) === "off" ? OFF_DB : value);

// The edits with what the knobs add to them; a knob on an edit that is there already adds to its number.
function withKnobs(stack, knobs) {
  return AS_EDITS.filter(([knob]) => knobs[knob] !== restOf(knob)).reduce((edits, [knob, parameter, name, more = () => ({})]) => {
    const before = edits.find((one) => one.name === name)?.values;
    const values = { ...before, ...more(knobs), [parameter]: (before?.[parameter] || 0) + offIfLow(knob, knobs[knob]) };
    return before ? edits.map((one) => (one.name === name ? { name, values } : one)) : [...edits, { name, values }];
  }, stack);
}

const keptKnobs = (run) => { try { return JSON.parse(localStorage.getItem(`knobs ${run}`)) || {}; } catch { return {}; } };

function Meter({ instrument }) {
  const bar = useRef();
  useEffect(() => {
    let frame = 0, peak = 0;
    const show = () => {
      peak = Math.max(instrument.level(), peak * 0.93);
      const db = 20 * Math.log10(Math.max(peak, 1e-5));
      if (bar.current) { bar.current.style.transform = `scaleX(${Math.max(0, 1 + db / 60)})`; bar.current.style.background = peak > 0.99 ? "var(--poor)" : ""; }
      frame = requestAnimationFrame(show);
    };
    show();
    return () => cancelAnimationFrame(frame);
  }, [instrument]);
  return html`<div class="meter big-meter" aria-hidden="true"><span ref=${bar}></span></div>`;
}

export function Play({ id, facts, deck, edits }) {
  const [instrument] = useState(() => new Instrument({ base: "/web/" }));
  const [voice, setVoice] = useState(null);
  const [values, setValues] = useState({ ...instrument.knobs });
  const [load, setLoad] = useState(null);
  const [midi, setMidi] = useState(null);
  const [base, setBase] = useState(instrument.baseMidi);
  const box = useRef(), keyboard = useRef(null);
  globalThis.ddspMatchInstrument = instrument; // for the console, and for tests
  const edit = edits.query.edit;

  const show = (anew = false) => { // the octave of the computer's keys, with two on either side of it where there is room
    const at = instrument.baseMidi, piano = keyboard.current;
    if (anew === true || at < piano.wide.low || at + 12 > piano.wide.high) piano.range(Math.max(0, at - 24), Math.min(127, at + 24));
    piano.baseMidi = at;
    setBase(at);
  };
  const octave = (by) => () => { instrument.baseMidi = Math.min(108, Math.max(0, instrument.baseMidi + 12 * by)); show(); };

  useEffect(() => {
    deck.pause();
    keyboard.current = new Keyboard(box.current, {
      low: 36, high: 84, baseMidi: instrument.baseMidi, labels: !matchMedia("(pointer: coarse)").matches,
      onDown: (key, velocity) => { instrument.start().catch(complain); instrument.on(key, velocity); }, onUp: (key) => instrument.off(key),
    });
    instrument.onnote = ({ midi: key, down }) => (down ? keyboard.current?.press(key) : keyboard.current?.release(key));
    instrument.onload = setLoad;
    instrument.onproblem = ({ message }) => complain(new Trouble({ found: message }));
    const detach = instrument.attachComputerKeyboard(document, { onOctave: show });
    const wake = () => { instrument.start().catch(complain); };
    for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, wake, { once: true });
    return () => {
      detach();
      for (const kind of ["pointerdown", "keydown"]) document.removeEventListener(kind, wake);
      keyboard.current?.destroy();
      keyboard.current = null;
      instrument.close();
    };
  }, []);

  useEffect(() => {
    const stop = new AbortController();
    (async () => {
      try {
        const loaded = await get(`/api/runs/${id}/voice.json${query({ edit })}`, { signal: stop.signal });
        await instrument.load(loaded);
        if (stop.signal.aborted) return;
        keyboard.current.root = loaded.root_midi;
        keyboard.current.current = instrument.baseMidi; // where the Tab key arrives
        show(true);
        for (const [name, value] of Object.entries(keptKnobs(id))) instrument.knob(name, value);
        setValues({ ...instrument.knobs });
        setVoice(loaded);
        say("The keyboard is ready.");
      } catch (error) { if (!stop.signal.aborted) complain(error); }
    })();
    return () => stop.abort();
  }, [id, edit]);

  // The letters are keys of the keyboard here, not shortcuts of the page.
  useKeys({ " ": () => { if (!voice) return; instrument.start().catch(complain); instrument.play(); }, Escape: () => instrument.panic(), swallow: (event) => event.key.length === 1 && event.key !== "?" && !event.ctrlKey && !event.metaKey });
  const put = (knobs) => {
    for (const [name, value] of Object.entries(knobs)) instrument.knob(name, value);
    setValues({ ...instrument.knobs });
    localStorage.setItem(`knobs ${id}`, JSON.stringify(instrument.knobs));
  };
  const turn = (name) => (value) => put({ [name]: value });
  const movable = AS_EDITS.filter(([name]) => values[name] !== restOf(name));
  const makeEdits = () => {
    edits.change((stack) => withKnobs(stack, instrument.knobs));
    put(Object.fromEntries(movable.map(([name]) => [name, restOf(name)])));
    say("The knobs are edits now.");
  };
  const connect = async () => { try { await instrument.start(); setMidi((await instrument.attachMidi()).inputs); } catch (error) { complain(new Trouble({ found: error.message })); } };
  return html`<section class="card piano-card" aria-label="Keyboard">
      <div class="card-head"><h2>${edits.active ? "The edited sound on a keyboard" : "The match on a keyboard"}</h2>
        <span class="row"><span class="small quiet">${voice ? html`its own pitch: <b>${note(voice.root_midi)}</b>${voice.loop ? ", held while a key is down" : ", plays to its end"}` : "loading the instrument …"}</span></span></div>
      <div class="piano-box" ref=${box}></div>
      <div class="row under-piano"><${Meter} instrument=${instrument} />
        <button type="button" onClick=${() => { instrument.start().catch(complain); instrument.play(); }} disabled=${!voice}><${Icon} name="play" />${edits.active ? "Edited match" : "Match"}</button>
        <span class="octaves" role="group" aria-label="Octave"><button type="button" class="icon" aria-label="Octave down" disabled=${base <= 0} onClick=${octave(-1)}>−</button><span class="number">${note(base)}</span><button type="button" class="icon" aria-label="Octave up" disabled=${base >= 108} onClick=${octave(1)}>+</button></span>
        <button type="button" onClick=${() => instrument.panic()}>All off</button>
        <button type="button" onClick=${connect}>${midi ? (midi.length ? `MIDI: ${midi.join(", ")}` : "MIDI: nothing connected") : "Connect MIDI"}</button></div>
      <p class="hint small quiet wide-only"><kbd>A</kbd> <kbd>W</kbd> <kbd>S</kbd> <kbd>E</kbd> <kbd>D</kbd> … play, <kbd>Z</kbd> and <kbd>X</kbd> shift the octave, <kbd>space</kbd> plays the whole match, <kbd>Esc</kbd> silences.
        ${load && html` <span class="number">${load.voices ?? 0} ${load.voices === 1 ? "voice" : "voices"}, ${Math.round(100 * load.share)} % of real time.</span>`}</p>
    </section>
    <section class="card"><h2>Knobs</h2><div class="knobs">${Instrument.KNOBS.map((knob) => (knob.choices
      ? html`<div class="choice" key=${knob.name}><span class="label" title=${knob.words}>${knob.label}</span><${Segments} label=${knob.label} value=${values[knob.name] ?? knob.value} onChange=${turn(knob.name)}
          options=${knob.choices.map((value) => ({ value, label: value[0].toUpperCase() + value.slice(1) }))} /></div>`
      : html`<${Knob} key=${knob.name} label=${knob.label} title=${knob.words} low=${knob.low} high=${knob.high} step=${knob.step} rest=${knob.value} value=${values[knob.name] ?? knob.value}
          set=${(values[knob.name] ?? knob.value) !== knob.value} format=${(value) => knobWords(knob, value)} onInput=${turn(knob.name)} />`))}</div>
      <p class="row"><button type="button" disabled=${!movable.length} onClick=${makeEdits}>Make edits of them</button>
        <span class="hint small quiet">A double click brings a knob back. The knobs affect the keyboard only, and this browser remembers them. As edits they change the match itself: for Listen, Download and every export. Attack, release, reverb and level stay with the keyboard.</span></p></section>`;
}
