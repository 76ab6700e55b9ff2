'use strict';
// One key that plays a voice: the attack once, the loop while it is down, then the end; or the voice as it is.
globalThis.Key = (() => {
  const {HALF, LARGEST, MOST_PARTIALS, planOf, sizeFor, read} = globalThis.Synth;
  const {strength, gather, keep, tilt} = globalThis.Formants;
  const {BLOCK, ask} = globalThis.Noise;
  const LOOP_FADE = 20; // frames over which a loop's end turns into its beginning
  const LAST = 3; // frames before the end of the sound at which a key begins to fade
  const END = 1e-4; // -80 dB: a released key is over
  const USUAL = 0.8; // the velocity at which a key is as loud as the patch
  const TILT_DB = 20 * Math.log10(2); // of a slope of one
  const VELOCITY_TILT_DB = 5; // an octave, from the softest to the hardest
  const cosines = new Float64Array(MOST_PARTIALS + 1), sines = new Float64Array(MOST_PARTIALS + 1);

  class Key {
    constructor() {
      this.on = false;
      const table = () => [new Float32Array(LARGEST + 2 * HALF), new Float32Array(LARGEST + 2 * HALF)];
      this.early = table();
      this.late = table();
      this.turn = [new Float64Array(MOST_PARTIALS + 1), new Float64Array(MOST_PARTIALS + 1)];
      this.phase = new Float64Array(2);
      this.earlyHz = new Float64Array(2);
      this.lateHz = new Float64Array(2);
    }

    /** Space for the noise of a voice. */
    fit(voice) {
      this.on = false;
      const bands = () => [new Float32Array(voice.bands), new Float32Array(voice.bands)];
      this.earlyNoise = bands();
      this.lateNoise = bands();
      this.noiseTilt = new Float32Array(voice.bands);
      this.noiseSlope = NaN; // what `noiseTilt` was made for
    }

    /** `midi` null: the voice as it is, every frame once. */
    start(keys, midi, velocity) {
      const {rate, knobs} = keys;
      const {voice, own} = midi === null ? {voice: keys.voice, own: velocity} : keys.noteOf(midi, velocity);
      this.voice = voice;
      this.asIs = midi === null;
      this.midi = midi;
      this.held = true;
      this.sustained = false;
      this.sounded = false;
      this.struck = false;
      this.on = true;
      this.order = keys.order++;
      this.ratio = this.asIs ? 1 : 2 ** ((midi + knobs.transpose - voice.root_midi) / 12);
      this.keep = knobs.formant === 'keep';
      this.tilt = this.asIs ? 0 : Math.max(-USUAL, Math.min(1 - USUAL, own - USUAL)) * VELOCITY_TILT_DB;
      this.velocity = this.asIs ? 1 : (own / USUAL) ** 2; // as General MIDI recommends it: 40 dB a decade
      // Partials of a sound that is transposed up turn faster against the grid: frames come closer together.
      this.parts = this.ratio > 3 ? 4 : this.ratio > 1.5 ? 2 : 1;
      this.place = this.asIs ? 0 : voice.start;
      this.part = 0;
      this.blend = 0;
      this.kept = false;
      this.left = this.asIs ? Math.ceil((voice.n_samples * rate) / voice.sample_rate) : Infinity; // samples
      this.gain = this.asIs || (voice.start > 0 && knobs.attack === 0) ? 1 : 0;
      this.fading = 0;
      this.partials = this.partialsFor(voice, rate);
      this.size = sizeFor(this.partials);
      this.plan = planOf(this.size);
      this.length = (voice.hop * rate) / voice.sample_rate / this.parts; // samples of a step
      this.into = 0; // samples since its beginning
      this.phase.fill(0);
      for (let c = 0; c < voice.channels; c++) this.turn[c].fill(0);
      if (voice.phase[0])
        for (let c = 0; c < voice.channels; c++)
          for (let k = 0; k < voice.partials; k++) this.turn[c][k + 1] = voice.phase[c][this.place * voice.partials + k];
      this.shape(keys);
      this.advance(keys);
    }

    partialsFor(voice, rate) {
      if (this.asIs || !this.keep || this.ratio >= 1) return voice.partials;
      let lowest = Infinity;
      for (let i = voice.start; i < voice.frames; i++) lowest = Math.min(lowest, voice.f0[0][i]);
      const room = Math.floor(rate / 2 / ((lowest * this.ratio) / voice.divisions));
      return Math.max(1, Math.min(MOST_PARTIALS, room, Math.ceil(voice.partials / this.ratio)));
    }

    /** How much of a frame near the loop's end is already that of the frame as far before its beginning. */
    blendAt(voice) {
      if (!voice.loop || this.asIs) return 0;
      const [first, last] = voice.loop;
      const fade = Math.max(1, Math.min(first - voice.start, (last - first) >> 1, LOOP_FADE));
      if (!this.held && !this.sustained) return Math.max(0, this.blend - 1 / fade / this.parts);
      return Math.max(0, 1 - (last - this.place - this.part / this.parts) / fade);
    }

    /** One step on in the sound; whether there was one. */
    next(voice) {
      // One step more keeps the last frame for the samples up to the end.
      if (this.place >= voice.frames - 1) return this.asIs && !this.kept && (this.kept = true);
      const turns = voice.phase[0], {partials} = voice;
      if (turns && !this.asIs)
        for (let c = 0; c < voice.channels; c++) {
          const phase = voice.phase[c], turn = this.turn[c], here = this.place * partials, share = this.ratio / this.parts;
          for (let k = 0; k < partials; k++) {
            let moved = phase[here + partials + k] - phase[here + k];
            if (moved > Math.PI) moved -= 2 * Math.PI;
            else if (moved < -Math.PI) moved += 2 * Math.PI;
            turn[k + 1] += moved * share;
          }
        }
      this.part++;
      if (this.part === this.parts) {
        this.part = 0;
        this.place++;
      }
      if (voice.loop && !this.asIs && (this.held || this.sustained) && this.place >= voice.loop[1])
        this.place -= voice.loop[1] - voice.loop[0];
      this.blend = this.blendAt(voice);
      return true;
    }

    /** The later waveform becomes the earlier, and the next step's the later one. */
    advance(keys) {
      const swap = this.early;
      this.early = this.late; this.late = swap;
      const hz = this.earlyHz;
      this.earlyHz = this.lateHz; this.lateHz = hz;
      const noise = this.earlyNoise;
      this.earlyNoise = this.lateNoise; this.lateNoise = noise;
      if (!this.next(this.voice)) return false;
      this.shape(keys);
      return true;
    }

    /** Waveform, f0 and noise at the present place. */
    shape(keys) {
      const {voice, place} = this, share = this.part / this.parts, after = Math.min(place + 1, voice.frames - 1);
      const back = voice.loop ? voice.loop[1] - voice.loop[0] : 0;
      const blend = place - back >= 0 ? this.blend : 0;
      this.strong = 0;
      for (let c = 0; c < voice.channels; c++) {
        const f0 = voice.f0[c];
        let hz = f0[place] + (f0[after] - f0[place]) * share;
        if (blend) hz += (f0[place - back] - hz) * blend;
        this.lateHz[c] = (hz * this.ratio) / voice.divisions;
        gather(voice, c, this.partials, place, after, share, blend ? place - back : -1, blend);
        if (!this.asIs) {
          if (this.keep && this.ratio !== 1) keep(voice, this.partials, this.ratio, place);
          const slope = (this.tilt + keys.knobs.brightness) / TILT_DB;
          if (slope !== 0) tilt(this.partials, slope, keys.pivot / this.lateHz[c]);
        }
        const nyquist = keys.rate / 2;
        const turn = this.turn[c], phase = voice.phase[c], given = Math.min(voice.partials, this.partials);
        let count = 0;
        for (let k = 1; k <= this.partials; k++) {
          const loud = this.lateHz[c] * k < nyquist ? strength[k] : 0;
          if (loud < 1e-8) { cosines[k] = 0; sines[k] = 0; continue; }
          const angle = !phase ? 0 : this.asIs && k <= given ? phase[place * voice.partials + k - 1] : turn[k];
          cosines[k] = loud * Math.cos(angle);
          sines[k] = loud * Math.sin(angle);
          this.strong += loud;
          count = k;
        }
        this.plan.shape(cosines, sines, count, this.late[c]);
        this.noise(voice, c, place, after, share, blend ? place - back : -1, blend);
      }
    }

    noise(voice, c, place, after, share, other, blend) {
      const {bands, gainOf} = voice, codes = voice.codes[c], out = this.lateNoise[c];
      const here = place * bands, there = after * bands, across = other * bands;
      for (let b = 0; b < bands; b++) {
        let loud = gainOf[codes[here + b]];
        if (share) loud += (gainOf[codes[there + b]] - loud) * share;
        if (blend) loud += (gainOf[codes[across + b]] - loud) * blend;
        out[b] = loud;
        this.strong += loud;
      }
    }

    /** Adds one block; the powers of the noise go to `bed`. */
    block(keys, outs, bed, pitch, pitchStep) {
      const {rate} = keys, {voice} = this;
      const before = this.gain * this.velocity;
      const over = this.envelope(keys);
      const step = (this.gain * this.velocity - before) / BLOCK;
      const loud = this.asIs ? 1 : keys.harmonicGain;
      for (let n = 0; n < BLOCK; ) {
        const room = Math.min(BLOCK - n, this.left, Math.max(1, Math.ceil(this.length - this.into)));
        for (let c = 0; c < voice.channels; c++) {
          const cycles = this.earlyHz[c] / rate, slope = (this.lateHz[c] - this.earlyHz[c]) / rate / this.length;
          const bent = pitch + pitchStep * n;
          this.phase[c] = read(
            outs[c], n, n + room, this.size, this.early[c], this.late[c], this.phase[c], this.into / this.length,
            1 / this.length, (cycles + slope * this.into) * bent, slope * bent + cycles * pitchStep,
            (before + step * n) * loud, step * loud,
          );
        }
        n += room;
        this.into += room;
        this.left -= room;
        if (this.left <= 0) { this.on = false; break; }
        if (this.into >= this.length - 1e-9) {
          this.into -= this.length;
          if (!this.advance(keys)) { this.on = false; break; }
        }
      }
      if (this.on) ask(this, voice, bed, keys, (this.asIs ? 0 : this.tilt + keys.knobs.brightness) / TILT_DB);
      const ending = voice.frames - 1 - this.place;
      if (!this.asIs && ending <= LAST) this.fade(Math.max(2, Math.floor(((ending - 1) * this.parts * this.length) / BLOCK)));
      if (over) this.on = false;
    }

    /** Moves the gain to that at the block's end; whether the key is over. */
    envelope(keys) {
      const {knobs, rate} = keys;
      if (this.fading) {
        this.gain -= this.fading;
        if (this.gain > 1e-9) return false;
        this.gain = 0;
        return true;
      }
      // A key that is let go before its first block was struck all the same.
      if (this.held || this.sustained || !this.struck) {
        this.struck = true;
        this.gain = Math.min(1, this.gain + BLOCK / Math.max(BLOCK, knobs.attack * rate));
        return false;
      }
      this.gain *= 10 ** ((-3 * BLOCK) / (Math.max(0.005, knobs.release) * rate));
      if (this.gain > END) return false;
      this.gain = 0;
      return true;
    }

    /** Over within `blocks`, without a click. */
    fade(blocks) {
      if (!this.fading) this.fading = this.gain / blocks || 1;
      this.held = false;
    }
  }

  return Object.assign(Key, {USUAL});
})();
