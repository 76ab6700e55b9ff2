// Pictures of a sound over time with one playhead: waveforms, a spectrogram with its f0. A click goes there, a drag loops.
import { html, useEffect, useLayoutEffect, useRef, useState } from "../lib.js";
import { colour } from "./parts.js";
import { clock } from "../format.js";

function draw(canvas, buffer, durationS, peak) {
  const ratio = devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * ratio), height = Math.round(canvas.clientHeight * ratio);
  if (!width) return;
  Object.assign(canvas, { width, height });
  const pen = canvas.getContext("2d");
  pen.fillStyle = colour("line");
  pen.fillRect(0, height / 2, width, 1);
  if (!buffer) return;
  const samples = buffer.getChannelData(0), other = buffer.numberOfChannels > 1 ? buffer.getChannelData(1) : samples;
  const scale = (0.46 * height) / Math.max(peak, 0.02);
  const per = (durationS * buffer.sampleRate) / width;
  pen.fillStyle = getComputedStyle(canvas).color;
  for (let x = 0; x < width; x++) {
    let low = 0, high = 0;
    for (let i = Math.floor(x * per), end = Math.min(Math.ceil((x + 1) * per), samples.length); i < end; i++) {
      low = Math.min(low, samples[i], other[i]); high = Math.max(high, samples[i], other[i]);
    }
    if (high > low) pen.fillRect(x, height / 2 - high * scale, 1, Math.max(1, (high - low) * scale));
  }
}

// name: the track of the deck that is drawn.
export function Wave({ deck, name, tone = name, label, durationS = deck.durationS }) {
  const canvas = useRef();
  const buffer = deck.buffer(name), { peak } = deck;
  useLayoutEffect(() => {
    const paint = () => draw(canvas.current, buffer, durationS, peak);
    const watch = new ResizeObserver(paint);
    watch.observe(canvas.current);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", paint);
    return () => { watch.disconnect(); scheme.removeEventListener("change", paint); };
  }, [buffer, tone, durationS, peak]);
  return html`<div class="lane" data-tone=${tone}><span class="tag">${label}</span><canvas ref=${canvas} aria-hidden="true" />${!buffer && html`<span class="wait">loading …</span>`}</div>`;
}

const TICKS = [50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000];

function pathOf(curve, picture, durationS) {
  const bottom = Math.log(picture.low_hz), top = Math.log(picture.high_hz);
  let path = "", open = false;
  curve.times_s.forEach((time, i) => {
    const hz = curve.f0_hz[i];
    if (!hz) { open = false; return; }
    path += `${open ? "L" : "M"}${((1000 * time) / durationS).toFixed(1)} ${(1000 * (1 - (Math.log(hz) - bottom) / (top - bottom))).toFixed(1)}`;
    open = true;
  });
  return path;
}

export function Spectrogram({ url, picture, curve, durationS, label }) {
  const [state, setState] = useState("waiting");
  const address = `${url}${url.includes("?") ? "&" : "?"}dark=1`; // on dark ground in either scheme, as in the reports
  const place = (hz) => 100 * (1 - Math.log(hz / picture.low_hz) / Math.log(picture.high_hz / picture.low_hz));
  return html`<div class="lane picture"><span class="tag">${label}</span>
    <img src=${address} alt=${`Spectrogram: ${label}`} draggable=${false} onLoad=${() => setState("shown")} onError=${() => setState("failed")}
      style=${{ left: `${(100 * picture.first_s) / durationS}%`, width: `${(100 * (picture.last_s - picture.first_s)) / durationS}%`, opacity: state === "shown" ? 1 : 0 }} />
    ${state === "failed" && html`<span class="wait">no picture</span>`}
    ${curve && html`<svg viewBox="0 0 1000 1000" preserveAspectRatio="none" aria-hidden="true"><path class="f0" d=${pathOf(curve, picture, durationS)} /></svg>`}
    ${TICKS.filter((hz) => place(hz) > 5 && place(hz) < 96).map((hz) => html`
      <span class="scale" style=${{ top: `${place(hz)}%` }}>${hz >= 1000 ? `${hz / 1000} kHz` : `${hz} Hz`}</span>`)}</div>`;
}

const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120];

export function Scope({ deck, durationS, children }) {
  const box = useRef(), head = useRef(), region = useRef(), drag = useRef(null);
  useEffect(() => {
    let frame = 0;
    const move = () => {
      if (!head.current) return;
      const share = durationS ? deck.position() / durationS : 0;
      head.current.style.left = `${100 * share}%`;
      const marked = drag.current?.region || deck.region;
      region.current.hidden = !marked;
      if (marked) Object.assign(region.current.style, { left: `${(100 * marked[0]) / durationS}%`, width: `${(100 * (marked[1] - marked[0])) / durationS}%` });
      frame = deck.playing || drag.current ? requestAnimationFrame(move) : 0;
    };
    const wake = () => { if (!frame) move(); };
    box.current.wake = wake;
    wake();
    const off = deck.watch(wake);
    return () => { off(); cancelAnimationFrame(frame); };
  }, [deck, durationS]);
  const timeAt = (event) => {
    const { left, width } = box.current.getBoundingClientRect();
    return Math.min(Math.max((event.clientX - left) / width, 0), 1) * durationS;
  };
  const down = (event) => {
    if (event.button) return;
    drag.current = { from: timeAt(event), x: event.clientX };
    if (event.pointerType === "mouse") box.current.setPointerCapture(event.pointerId);
  };
  const moved = (event) => {
    const now = drag.current;
    if (!now || Math.abs(event.clientX - now.x) < 6) return;
    const to = timeAt(event);
    now.region = [Math.min(now.from, to), Math.max(now.from, to)];
    box.current.wake();
  };
  const up = (event) => {
    const now = drag.current;
    drag.current = null;
    if (!now) return;
    if (now.region && now.region[1] - now.region[0] > 0.03) { deck.setRegion(now.region); deck.seek(now.region[0]); } else { deck.setRegion(null); deck.seek(timeAt(event)); }
  };
  const step = STEPS.find((s) => durationS / s <= 8) || 300;
  const marks = Array.from({ length: Math.floor((durationS / step) * 0.97) + 1 }, (_, k) => k * step);
  return html`<div class="scope" ref=${box} onPointerDown=${down} onPointerMove=${moved} onPointerUp=${up} onPointerCancel=${() => { drag.current = null; }}>
    ${children}<div class="region" ref=${region} hidden></div><div class="head" ref=${head}></div>
    <div class="times" aria-hidden="true">${marks.map((t) => html`<span style=${{ left: `${(100 * t) / durationS}%` }}>${durationS < 60 ? `${+t.toFixed(1)}${t ? "" : " s"}` : clock(t)}</span>`)}</div></div>`;
}
