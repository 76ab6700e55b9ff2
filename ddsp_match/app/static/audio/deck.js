// Plays several versions of one sound side by side from the same instant. Switching only moves gains, so the
// position stays; a version can be replaced while it plays.
import { getBytes } from "../api.js";

const FADE_S = 0.008; // hides the click of a switch, inaudible as a fade
const SWAP_S = 0.06;

const rateOf = (bytes) => new DataView(bytes).getUint32(24, true); // of a WAV file

function peakOf(buffer) {
  let peak = 0;
  for (let c = 0; c < buffer.numberOfChannels; c++) for (const sample of buffer.getChannelData(c)) peak = Math.max(peak, Math.abs(sample));
  return peak;
}

export class Deck {
  constructor() {
    this.tracks = new Map(); // name -> {url, buffer, gain, source, padded}
    this.weights = {}; // name -> linear gain in the mix
    this.gainsDb = {}; // name -> gain that makes it as loud as the rest
    Object.assign(this, { levelled: true, loop: true, playing: false, at: 0, durationS: 0, context: null, chosen: "", as: null, region: null });
    this.watchers = new Set();
  }

  watch(watcher) { this.watchers.add(watcher); return () => this.watchers.delete(watcher); }
  tell() { this.watchers.forEach((watcher) => watcher()); }

  // Fetches and decodes what is new; a track of that name that plays is exchanged without a gap.
  async load(name, url) {
    const before = this.tracks.get(name);
    if (before?.url === url) return before.loading;
    const track = { ...before, url };
    this.tracks.set(name, track);
    track.loading = (async () => {
      const bytes = await getBytes(url);
      this.rate ||= rateOf(bytes);
      const buffer = await new OfflineAudioContext(1, 1, this.rate).decodeAudioData(bytes);
      if (this.tracks.get(name) !== track || this.disposed) return; // replaced meanwhile
      const old = before?.source ? { source: before.source, gain: before.gain } : null;
      Object.assign(track, { buffer, peak: peakOf(buffer), padded: null, source: null, gain: null });
      const longer = this.measure();
      if (this.playing) { if (longer) this.start(); else { this.sound(track, name, SWAP_S); this.retire(old); } }
      this.tell();
    })();
    track.loading.catch(() => { if (this.tracks.get(name) === track) before ? this.tracks.set(name, before) : this.tracks.delete(name); });
    return track.loading;
  }

  drop(name) {
    const track = this.tracks.get(name);
    this.tracks.delete(name);
    if (track?.source) this.retire(track);
    if (this.measure() && this.playing) this.start();
    this.tell();
  }

  buffer(name) { return this.tracks.get(name)?.buffer || null; }

  measure() {
    const before = this.durationS;
    this.durationS = Math.max(0, ...[...this.tracks.values()].map((track) => track.buffer?.duration || 0));
    this.at = Math.min(this.at, this.durationS);
    return before !== this.durationS && before > 0;
  }

  // All loop at one length: shorter ones end in silence.
  fit(track) {
    const n = Math.round(this.durationS * this.rate);
    if (track.buffer.length >= n) return track.buffer;
    if (track.padded?.length !== n) {
      track.padded = new AudioBuffer({ length: n, numberOfChannels: track.buffer.numberOfChannels, sampleRate: this.rate });
      for (let c = 0; c < track.buffer.numberOfChannels; c++) track.padded.copyToChannel(track.buffer.getChannelData(c), c);
    }
    return track.padded;
  }

  gainOf(name) {
    // A mix keeps the proportions of its parts; without equal loudness everything shares one gain.
    return (this.weights[name] || 0) * 10 ** (this.gainDb(name) / 20);
  }

  gainDb(name) { return this.gainsDb[this.levelled ? this.as || name : "target"] || 0; }

  // Of all versions: what their pictures are scaled by, so that the quieter looks quieter.
  get peak() { return Math.max(...[...this.tracks.values()].map((track) => track.peak || 0)); }

  bounds() { return this.region || [0, this.durationS]; }

  position() {
    if (!this.playing) return this.at;
    const gone = this.at + Math.max(0, this.context.currentTime - this.startedAt);
    const [first, last] = this.bounds();
    if (!this.loop) return Math.min(gone, this.durationS);
    return gone < last ? gone : first + ((gone - first) % Math.max(last - first, 0.01));
  }

  sound(track, name, fadeS) {
    const now = this.context.currentTime;
    const begin = Math.max(this.startedAt, now + 0.005);
    const [first, last] = this.bounds();
    const at = this.at + (begin - this.startedAt);
    track.gain = this.context.createGain();
    track.gain.gain.setValueAtTime(fadeS ? 0 : this.gainOf(name), now);
    if (fadeS) track.gain.gain.linearRampToValueAtTime(this.gainOf(name), begin + fadeS);
    track.gain.connect(this.out);
    track.source = new AudioBufferSourceNode(this.context, { buffer: this.fit(track), loop: this.loop, loopStart: first, loopEnd: last });
    track.source.connect(track.gain);
    const inside = this.loop && at >= last ? first + ((at - first) % Math.max(last - first, 0.01)) : at;
    track.source.start(begin, inside);
  }

  retire(old) {
    if (!old?.source) return;
    const now = this.context.currentTime;
    old.gain.gain.cancelScheduledValues(now);
    old.gain.gain.setTargetAtTime(0, now, SWAP_S / 4);
    old.source.onended = null;
    old.source.stop(now + SWAP_S * 2);
  }

  halt() {
    for (const track of this.tracks.values()) { this.retire(track); track.source = null; }
  }

  start() {
    if (this.playing) { this.at = this.position(); }
    this.halt();
    const [first, last] = this.bounds();
    if (this.at >= last - 0.005 || this.at < first) this.at = first;
    this.startedAt = this.context.currentTime + 0.02; // all of them start at one instant of the audio clock
    let longest = null;
    for (const [name, track] of this.tracks) {
      if (!track.buffer) continue;
      this.sound(track, name, 0);
      longest = track.source;
    }
    if (longest && !this.loop) longest.onended = () => { this.playing = false; this.at = 0; this.halt(); this.tell(); };
    this.playing = true;
    this.tell();
  }

  async play() {
    const wanted = Object.keys(this.weights).map((name) => this.tracks.get(name)?.loading);
    await Promise.all(wanted.length ? wanted : [...this.tracks.values()].map((track) => track.loading)); // the rest join in
    if (!this.durationS || this.disposed) return;
    if (!this.context) {
      try { this.context = new AudioContext({ sampleRate: this.rate }); } catch { this.context = new AudioContext(); }
      this.out = this.context.createGain();
      this.out.connect(this.context.destination);
    }
    await this.context.resume();
    document.dispatchEvent(new CustomEvent("ddsp-playing", { detail: this })); // whatever else plays falls silent
    if (!this.playing) this.start();
  }

  pause() {
    if (!this.playing) return;
    this.at = this.position();
    this.playing = false;
    this.halt();
    this.tell();
  }

  toggle() { if (this.playing) this.pause(); else return this.play(); }

  seek(seconds) {
    const at = Math.min(Math.max(seconds, 0), this.durationS);
    if (this.region && (at < this.region[0] || at > this.region[1])) this.region = null;
    if (!this.playing) { this.at = at; this.tell(); return; }
    this.playing = false;
    this.at = at;
    this.start();
  }

  fade() {
    if (this.context) {
      for (const [name, track] of this.tracks) track.gain?.gain.setTargetAtTime(this.gainOf(name), this.context.currentTime, FADE_S / 3);
    }
    this.tell();
  }

  // weights: linear gains of several tracks that play as one; as: the track whose gain makes them as loud as the rest.
  choose(name, weights = { [name]: 1 }, as = null) { Object.assign(this, { chosen: name, weights, as }); this.fade(); }

  setLevelled(on) { this.levelled = on; this.fade(); }
  setGains(gainsDb) { this.gainsDb = gainsDb; this.fade(); }
  setLoop(on) { this.loop = on; if (this.playing) this.start(); else this.tell(); }
  setRegion(region) { this.region = region; if (region) this.loop = true; if (this.playing) this.start(); else this.tell(); }

  dispose() {
    this.pause();
    this.disposed = true;
    this.watchers.clear();
    this.context?.close();
  }
}
