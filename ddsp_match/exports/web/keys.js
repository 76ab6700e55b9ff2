'use strict';
// The keys of one instrument: who plays, who is stolen, the knobs, the level.
globalThis.Keys = (() => {
  const {Synth, Key} = globalThis;
  const {MOST_PARTIALS, warmUp} = Synth;
  const {Bed, BLOCK} = globalThis.Noise;
  const {USUAL} = Key;
  const VOICES = 16, SPARE = 8; // spare ones fade out what was stolen
  // How a note is chosen, as edits/instrument.py does.
  const DB_PER_DECADE = 40, DB_A_SEMITONE = 3, LONG_S = 0.5, SEMITONES_A_SECOND = 12;
  const dbToGain = (db) => 10 ** (db / 20);

  const KNOBS = {
    brightness: 0, noise: 0, harmonic: 0, attack: 0, release: 0.25, vibrato_depth: 0, vibrato_rate: 5.5, transpose: 0,
    level: 0, formant: 'keep',
  };
  const SILENT_DB = -40; // where a stem's knob ends
  const stem = (db) => (db <= SILENT_DB ? 0 : dbToGain(db));

  /** All keys of one instrument at a context's sample rate. */
  class Keyboard {
    constructor(rate) {
      this.rate = rate;
      this.knobs = {...KNOBS};
      this.keys = Array.from({length: VOICES + SPARE}, () => new Key());
      this.voice = null;
      this.order = 0;
      this.made = [new Float64Array(BLOCK), new Float64Array(BLOCK)];
      this.bendTo = 0; this.bent = 0; this.pitch = 1; this.swing = 0;
      this.pedal = false;
      this.harmonicGain = 1; this.noiseGain = 1; this.level = 1; this.limit = 1;
      this.onsounding = null;
      this.onended = null;
    }

    /** A voice from `Synth.decode`. */
    load(voice) {
      this.voice = voice;
      this.voices = [voice, ...voice.others];
      warmUp(MOST_PARTIALS);
      for (const key of this.keys) key.fit(voice);
      this.bed = new Bed(voice, this.rate);
      this.pivot = pivotHz(voice);
      const width = voice.sample_rate / 2 / (voice.bands - 1);
      this.noisePlace = Float64Array.from({length: voice.bands}, (_, b) => (Math.max(b, 0.5) * width) / this.pivot);
    }

    /**
     * The voice that a key plays, and the velocity at which that voice is as loud as the key should be: the nearest by
     * pitch and level, where a second that its loop lacks to half of one counts as much as twelve semitones.
     */
    noteOf(midi, velocity) {
      const {voices} = this;
      if (voices.length === 1) return {voice: this.voice, own: velocity};
      const loudest = Math.max(...voices.map((voice) => voice.level_db));
      const wanted = loudest + DB_PER_DECADE * Math.log10(velocity / USUAL);
      const shortness = ({loop, hop, sample_rate: rate}) => (loop ? Math.max(0, LONG_S - ((loop[1] - loop[0]) * hop) / rate) : 0);
      const cost = (voice) => Math.abs(voice.root_midi - midi - this.knobs.transpose)
        + Math.abs(voice.level_db - wanted) / DB_A_SEMITONE + SEMITONES_A_SECOND * shortness(voice);
      const voice = voices.reduce((best, one) => (cost(one) < cost(best) ? one : best));
      return {voice, own: USUAL * 10 ** ((wanted - voice.level_db) / DB_PER_DECADE)};
    }

    on(midi, velocity) {
      if (!this.voice) return;
      let sounding = 0, oldest = null, free = null, weakest = null;
      for (const key of this.keys) {
        if (!key.on) { free = free || key; continue; }
        if (!weakest || key.gain < weakest.gain) weakest = key;
        if (key.fading) continue;
        if (key.midi === midi && !key.asIs) { key.fade(8); continue; }
        sounding++;
        if (!oldest || rank(key) < rank(oldest)) oldest = key;
      }
      if (sounding >= VOICES) oldest.fade(2);
      (free || weakest).start(this, midi, Math.min(1, Math.max(0.02, velocity)));
    }

    off(midi) {
      for (const key of this.keys)
        if (key.on && key.held && key.midi === midi && !key.asIs) {
          key.held = false;
          key.sustained = this.pedal;
        }
    }

    sustain(down) {
      this.pedal = down;
      if (!down) for (const key of this.keys) key.sustained = false;
    }

    play() {
      if (!this.voice) return;
      this.stop();
      const free = this.keys.find((key) => !key.on) || this.keys[0];
      free.start(this, null, USUAL);
    }

    stop() {
      for (const key of this.keys) if (key.on && key.asIs) key.fade(4);
    }

    panic() {
      this.pedal = false;
      for (const key of this.keys) if (key.on) key.fade(4);
    }

    knob(name, value) {
      if (!(name in KNOBS)) throw new Error(`found: knob ${name}; needed: one of ${Object.keys(KNOBS).join(', ')}`);
      this.knobs[name] = value;
      if (this.sounding) return; // what sounds is led there without a click
      this.level = dbToGain(this.knobs.level);
      this.harmonicGain = stem(this.knobs.harmonic);
      this.noiseGain = stem(this.knobs.noise);
    }

    /** How many keys sound. */
    get sounding() {
      let count = 0;
      for (const key of this.keys) count += key.on;
      return count;
    }

    /** One block of BLOCK samples into `outs`, one array a channel of the output. */
    block(outs, from) {
      const {made, voice, knobs, keys} = this;
      for (const channel of made) channel.fill(0);
      const swingStep = (2 * Math.PI * knobs.vibrato_rate * BLOCK) / this.rate;
      this.swing = (this.swing + swingStep) % (2 * Math.PI);
      this.bent += (this.bendTo - this.bent) * 0.4;
      const pitch = 2 ** ((this.bent + (knobs.vibrato_depth / 100) * Math.sin(this.swing)) / 12);
      const pitchStep = (pitch - this.pitch) / BLOCK, calm = 0.3;
      this.harmonicGain += (stem(knobs.harmonic) - this.harmonicGain) * calm;
      this.noiseGain += (stem(knobs.noise) - this.noiseGain) * calm;
      if (voice) {
        for (let i = 0; i < keys.length; i++) {
          const key = keys[i];
          if (!key.on) continue;
          key.block(this, made, this.bed, key.asIs ? 1 : this.pitch, key.asIs ? 0 : pitchStep);
          if (!key.sounded && key.gain > 0 && key.strong > 1e-5) {
            key.sounded = true;
            if (this.onsounding && !key.asIs) this.onsounding(key.midi);
          }
          if (!key.on && key.asIs && this.onended) this.onended();
        }
        this.bed.block(made, 0);
        if (voice.channels === 1) made[1].set(made[0]);
      }
      this.pitch = pitch;
      this.out(outs, from);
    }

    /** Level, and a limiter that leaves alone what stays below full scale. */
    out(outs, from) {
      const {made} = this, aim = dbToGain(this.knobs.level);
      let peak = 0;
      for (const channel of made) for (let n = 0; n < BLOCK; n++) peak = Math.max(peak, Math.abs(channel[n]));
      const level = this.level + (aim - this.level) * 0.3;
      const most = peak * level > 0.98 ? 0.98 / (peak * level) : 1;
      const limit = Math.min(most, this.limit + (1 - this.limit) * 0.015);
      const gain = this.level * this.limit, step = (level * limit - gain) / BLOCK;
      for (let c = 0; c < outs.length; c++)
        for (let n = 0; n < BLOCK; n++) {
          const y = made[c][n] * (gain + step * n), size = Math.abs(y);
          outs[c][from + n] = size <= 0.98 ? y : Math.sign(y) * (0.98 + 0.02 * Math.tanh((size - 0.98) / 0.02));
        }
      this.level = level;
      this.limit = limit;
    }
  }

  /** Which of two keys goes first: released ones before held ones, then the older. */
  const rank = (key) => key.order + (key.held || key.sustained ? 1e9 : 0);

  /** Around which a tilt leaves the power as it is: the mean of the logarithm, weighted with power. */
  const pivotHz = (voice) => {
    let sum = 0, weight = 0;
    for (let i = 0; i < voice.frames; i++)
      for (let k = 0; k < voice.partials; k++) {
        const square = voice.magnitude[0][i * voice.partials + k] ** 2;
        sum += square * Math.log2(((k + 1) * voice.f0[0][i]) / voice.divisions);
        weight += square;
      }
    return weight ? 2 ** (sum / weight) : 1000;
  };

  /** The voice as it is, part by part: {harmonic, noise}, each an array of samples for every channel. */
  const render = (voice, {sample_rate: rate}) => {
    const keyboard = new Keyboard(rate);
    keyboard.load(voice);
    const n = Math.ceil((voice.n_samples * rate) / voice.sample_rate);
    const stem = () => voice.offset.map(() => new Float32Array(n));
    const harmonic = stem(), noise = stem();
    const key = keyboard.keys[0];
    key.start(keyboard, null, USUAL);
    const made = [new Float64Array(BLOCK), new Float64Array(BLOCK)];
    for (let from = 0; from < n; from += BLOCK) {
      for (const [to, block] of [[harmonic, (outs) => key.on && key.block(keyboard, outs, keyboard.bed, 1, 0)],
        [noise, (outs) => keyboard.bed.block(outs, 0)]]) {
        for (const channel of made) channel.fill(0);
        block(made);
        for (let c = 0; c < to.length; c++)
          for (let i = 0; i < Math.min(BLOCK, n - from); i++)
            to[c][from + i] = made[c][i] + (to === harmonic ? voice.offset[c] : 0);
      }
    }
    return {harmonic, noise};
  };

  return {Keyboard, BLOCK, VOICES, KNOBS, render};
})();
globalThis.Synth.render = (voice, options) => globalThis.Keys.render(globalThis.Synth.decode(voice), options);
