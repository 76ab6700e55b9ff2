'use strict';
// White noise through a zero-phase FIR that follows the noise bands, once for all keys: the powers of what they ask for
// add up, as those of independent noises do, so sixteen keys cost what one does. The filter is crossfaded from block to
// block behind it, so that a steady one leaves the noise as it is.
globalThis.Noise = (() => {
  const {Fft} = globalThis.Synth;
  const BLOCK = 128;
  const REACH = 8; // bands to either side that one bin hears

  /** Response of the Hann-windowed FIR of `taps` taps, `u` bands away from the band. */
  const bandResponse = (u, taps) => {
    const comb = (v) => {
      const x = (Math.PI * v) / taps;
      return Math.abs(Math.sin(x)) < 1e-12 ? 1 : (Math.sin(Math.PI * v) * Math.cos(x)) / (taps * Math.sin(x));
    };
    return 0.5 * comb(u) + 0.25 * (comb(u - 1) + comb(u + 1));
  };

  class Bed {
    /** For a decoded voice at a context's sample rate. */
    constructor(voice, rate) {
      const {bands, channels} = voice;
      this.bands = bands;
      this.channels = channels;
      const taps = Math.max(2, 2 * (bands - 1));
      const ringing = Math.ceil(((taps / 2) * rate) / voice.sample_rate);
      this.size = 256;
      while (this.size < 2 * BLOCK + 2 * ringing) this.size *= 2;
      const size = this.size;
      this.lead = Math.min(ringing, (size - 2 * BLOCK) >> 1);
      this.fft = new Fft(size);
      this.re = new Float64Array(size);
      this.im = new Float64Array(size);
      this.white = [new Float64Array(size), new Float64Array(size)];
      this.tail = [new Float64Array(BLOCK), new Float64Array(BLOCK)];
      this.asked = [new Float64Array(bands), new Float64Array(bands)]; // powers, added up by the keys
      this.gain = [new Float64Array(size / 2 + 1), new Float64Array(size / 2 + 1)];
      this.quiet = true;
      this.state = new Uint32Array(4);
      for (let i = 0, seed = (voice.noise_seed >>> 0) + 0x9e3779b9; i < 4; i++) {
        seed = Math.imul(seed ^ (seed >>> 16), 0x85ebca6b) + 0x6d2b79f5;
        this.state[i] = (seed ^ (seed >>> 13)) | 1;
      }
      if (bands > 1) this.weigh(taps, rate, voice.sample_rate);
      for (let c = 0; c < channels; c++) for (let i = 0; i < size; i++) this.white[c][i] = this.normal();
    }

    /** What each bin hears of which bands; above the patch's Nyquist nothing. */
    weigh(taps, rate, patchRate) {
      const bins = this.size / 2 + 1, wide = 2 * REACH + 1;
      this.places = new Uint16Array(bins * wide);
      this.weights = new Float32Array(bins * wide);
      const nyquist = this.bands - 1;
      const level = Math.sqrt(rate / patchRate) / this.size; // the same power in each hertz
      for (let bin = 0; bin < bins; bin++) {
        const place = ((bin * rate) / this.size / (patchRate / 2)) * nyquist;
        if (place > nyquist + 2) continue;
        const at = Math.min(place, nyquist);
        const fade = place > nyquist ? Math.cos(((place - nyquist) * Math.PI) / 4) ** 2 : 1;
        let sum = 0;
        for (let m = 0; m < wide; m++) {
          const band = Math.round(at) + m - REACH;
          const turned = ((band % taps) + taps) % taps;
          this.places[bin * wide + m] = turned > nyquist ? taps - turned : turned;
          this.weights[bin * wide + m] = bandResponse(at - band, taps);
          sum += this.weights[bin * wide + m];
        }
        for (let m = 0; m < wide; m++) this.weights[bin * wide + m] *= (fade * level) / sum;
      }
    }

    /** xorshift128 (Marsaglia 2003), 0 … 1. */
    uniform() {
      const s = this.state;
      let t = s[3];
      t ^= t << 11;
      t ^= t >>> 8;
      s[3] = s[2]; s[2] = s[1]; s[1] = s[0];
      t ^= s[0] ^ (s[0] >>> 19);
      s[0] = t;
      return ((t >>> 0) + 0.5) / 4294967296;
    }

    normal() {
      return Math.sqrt(-2 * Math.log(this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
    }

    /** Adds one block to each of `outs`, the filter ending at what `asked` holds; empties `asked`. */
    block(outs, from) {
      const {size, channels, asked} = this;
      if (this.bands < 2) return;
      let power = 0;
      for (let c = 0; c < channels; c++) for (let b = 0; b < this.bands; b++) power += asked[c][b];
      if (power === 0 && this.quiet) return;
      for (let c = 0; c < channels; c++) this.filterOf(c);
      const {re, im, fft} = this;
      const [left, right] = this.gain;
      re.set(this.white[0]);
      if (channels > 1) im.set(this.white[1]);
      else im.fill(0);
      // Two real signals as one complex one; their filters are real and even.
      fft.inverse(im, re);
      for (let k = 0; k <= size / 2; k++) {
        const j = k ? size - k : 0;
        const same = (left[k] + right[k]) / 2, other = (left[k] - right[k]) / 2;
        const kr = re[k], ki = im[k], jr = re[j], ji = im[j];
        re[k] = same * kr + other * jr; im[k] = same * ki - other * ji;
        if (j !== k) { re[j] = same * jr + other * kr; im[j] = same * ji - other * ki; }
      }
      fft.inverse(re, im);
      for (let c = 0; c < channels; c++) {
        const made = c ? im : re, tail = this.tail[c], out = outs[c];
        for (let n = 0, at = this.lead; n < BLOCK; n++, at++) {
          out[from + n] += tail[n] + made[at] * (n / BLOCK);
          tail[n] = made[at + BLOCK] * (1 - n / BLOCK);
        }
        const white = this.white[c];
        white.copyWithin(0, BLOCK);
        for (let n = size - BLOCK; n < size; n++) white[n] = this.normal();
      }
      this.quiet = power === 0;
    }

    filterOf(c) {
      const {asked, places, weights} = this, bands = asked[c], gain = this.gain[c], wide = 2 * REACH + 1;
      for (let b = 0; b < this.bands; b++) bands[b] = Math.sqrt(bands[b]);
      for (let bin = 0, at = 0; bin < gain.length; bin++) {
        let sum = 0;
        for (let m = 0; m < wide; m++, at++) sum += weights[at] * bands[places[at]];
        gain[bin] = sum;
      }
      bands.fill(0);
    }
  }

  /** What one key adds to the noise that all of them share: its powers, by bands. */
  const ask = (key, voice, bed, keys, slope) => {
    const gain = key.gain * key.velocity * (key.asIs ? 1 : keys.noiseGain);
    const share = key.into / key.length;
    if (gain === 0) return;
    const plain = key.asIs || key.keep || key.ratio === 1;
    if (slope !== key.noiseSlope) {
      key.noiseSlope = slope;
      for (let b = 0; b < voice.bands; b++) key.noiseTilt[b] = keys.noisePlace[b] ** slope;
    }
    const {noiseTilt} = key;
    const level = plain ? gain : gain / Math.sqrt(key.ratio);
    for (let c = 0; c < voice.channels; c++) {
      const early = key.earlyNoise[c], late = key.lateNoise[c], asked = bed.asked[c];
      for (let b = 0; b < voice.bands; b++) {
        let from = b;
        if (!plain) {
          from = Math.round(b / key.ratio);
          if (from >= voice.bands) break;
        }
        const loud = (early[from] + (late[from] - early[from]) * share) * level * noiseTilt[b];
        asked[b] += loud * loud;
      }
    }
  };

  return {Bed, BLOCK, ask};
})();
