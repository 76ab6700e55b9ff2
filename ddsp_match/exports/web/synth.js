'use strict';
// The synthesizer's arithmetic: decoding a voice, waveforms by FFT, reading them at any phase. Runs in an AudioWorklet,
// in a page and in node. Between two frames the sound is a crossfade of two periodic waveforms read at the running
// phase of f0; each is one inverse FFT of its frame's partials, predistorted for the kernel that reads it (the
// "exponential of semicircle" of Barnett, Magland and af Klinteberg 2019).
globalThis.Synth = (() => {
  const TAPS = 6;
  const HALF = TAPS / 2;
  const SHAPE = 2.3 * TAPS; // for an oversampling of 2
  const FINE = 512; // places between two points at which the kernel is tabulated, linear in between
  const SMALLEST = 64, LARGEST = 8192; // points of a waveform
  const MOST_PARTIALS = LARGEST / 4 - 1;

  const kernelAt = (offset) => {
    const inside = 1 - (offset / HALF) ** 2;
    return inside > 0 ? Math.exp(SHAPE * (Math.sqrt(inside) - 1)) : 0;
  };
  // Row u holds the weights of the TAPS points when the first lies HALF - u / FINE before the place to be read.
  const KERNEL = new Float64Array((FINE + 1) * TAPS);
  for (let u = 0; u <= FINE; u++)
    for (let tap = 0; tap < TAPS; tap++) KERNEL[u * TAPS + tap] = kernelAt(u / FINE - HALF + tap);

  /** In-place complex inverse transform of a power of two, unscaled; with `im`, `re` swapped the forward one. */
  class Fft {
    constructor(size) {
      this.size = size;
      this.cos = new Float64Array(size / 2);
      this.sin = new Float64Array(size / 2);
      for (let i = 0; i < size / 2; i++) {
        this.cos[i] = Math.cos((2 * Math.PI * i) / size);
        this.sin[i] = Math.sin((2 * Math.PI * i) / size);
      }
      this.partner = new Uint32Array(size);
      for (let i = 0, j = 0; i < size; i++) {
        this.partner[i] = j;
        let bit = size >> 1;
        for (; j & bit; bit >>= 1) j ^= bit;
        j ^= bit;
      }
    }

    inverse(re, im) {
      const {size, cos, sin, partner} = this;
      for (let i = 0; i < size; i++) {
        const j = partner[i];
        if (i < j) {
          const r = re[i], q = im[i];
          re[i] = re[j]; im[i] = im[j];
          re[j] = r; im[j] = q;
        }
      }
      for (let i = 0; i < size; i += 2) {
        const r = re[i + 1], q = im[i + 1];
        re[i + 1] = re[i] - r; im[i + 1] = im[i] - q;
        re[i] += r; im[i] += q;
      }
      for (let half = 2, stride = size >> 2; half < size; half <<= 1, stride >>= 1) {
        for (let k = 0, turn = 0; k < half; k++, turn += stride) {
          const c = cos[turn], s = sin[turn];
          for (let i = k; i < size; i += 2 * half) {
            const j = i + half;
            const r = re[j] * c - im[j] * s, q = re[j] * s + im[j] * c;
            re[j] = re[i] - r; im[j] = im[i] - q;
            re[i] += r; im[i] += q;
          }
        }
      }
    }
  }

  /** Waveforms of one size: as many points as four times the partials and more. */
  class Plan {
    constructor(size) {
      this.size = size;
      this.fft = new Fft(size / 2);
      this.zr = new Float64Array(size / 2);
      this.zi = new Float64Array(size / 2);
      this.cos = new Float64Array(size / 4);
      this.sin = new Float64Array(size / 4);
      this.gain = new Float64Array(size / 4);
      const points = 256, step = TAPS / points;
      for (let k = 1; k < size / 4; k++) {
        this.cos[k] = Math.cos((2 * Math.PI * k) / size);
        this.sin[k] = Math.sin((2 * Math.PI * k) / size);
        let taken = 0; // the kernel's Fourier transform at this partial
        for (let i = 0; i < points; i++) {
          const x = (i + 0.5) * step - HALF;
          taken += kernelAt(x) * Math.cos((2 * Math.PI * k * x) / size);
        }
        this.gain[k] = 0.5 / (taken * step);
      }
    }

    /** One period of sum re[k] sin(k x) + im[k] cos(k x), k = 1 … count, ready to be read, HALF points padded. */
    shape(re, im, count, table) {
      const {size, fft, zr, zi, cos, sin, gain} = this;
      const middle = size / 2;
      zr.fill(0); zi.fill(0);
      for (let k = 1; k <= count; k++) {
        if (re[k] === 0 && im[k] === 0) continue;
        const xr = im[k] * gain[k], xi = -re[k] * gain[k];
        // Even and odd points as real and imaginary parts of a transform of half the length.
        zr[k] += xr * (1 - sin[k]) - xi * cos[k];
        zi[k] += xr * cos[k] + xi * (1 - sin[k]);
        zr[middle - k] += xr * (1 + sin[k]) + xi * cos[k];
        zi[middle - k] += xr * cos[k] - xi * (1 + sin[k]);
      }
      fft.inverse(zr, zi);
      for (let i = 0, at = HALF; i < middle; i++) {
        table[at++] = zr[i];
        table[at++] = zi[i];
      }
      for (let i = 0; i < HALF; i++) {
        table[i] = table[size + i];
        table[size + HALF + i] = table[HALF + i];
      }
    }
  }

  const plans = new Map();
  const planOf = (size) => {
    if (!plans.has(size)) plans.set(size, new Plan(size));
    return plans.get(size);
  };
  const sizeFor = (partials) => {
    let size = SMALLEST;
    while (size < 4 * (partials + 1) && size < LARGEST) size *= 2;
    return size;
  };
  /** Makes all tables that a voice can need, so that none is made while it sounds. */
  const warmUp = (partials) => {
    for (let size = SMALLEST; size <= sizeFor(partials); size *= 2) planOf(size);
  };

  /** Adds samples from..to of a crossfade of two waveforms to `out`; returns the phase after them, in cycles. */
  const read = (out, from, to, size, a, b, phase, share, shareStep, cycles, cyclesStep, gain, gainStep) => {
    for (let n = from; n < to; n++) {
      const place = phase * size;
      const first = Math.ceil(place - HALF);
      const u = (first - place + HALF) * FINE;
      const row = u | 0, rest = u - row;
      let early = 0, late = 0;
      for (let tap = 0, k = row * TAPS, i = first + HALF; tap < TAPS; tap++, k++, i++) {
        const weight = KERNEL[k] + (KERNEL[k + TAPS] - KERNEL[k]) * rest;
        early += weight * a[i];
        late += weight * b[i];
      }
      out[n] += (early + (late - early) * share) * gain;
      phase += cycles;
      if (phase >= 1) phase -= Math.floor(phase);
      share += shareStep;
      cycles += cyclesStep;
      gain += gainStep;
    }
    return phase;
  };

  const CODES = new Uint8Array(256);
  for (const [i, c] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].entries())
    CODES[c.charCodeAt(0)] = i;
  /** An AudioWorklet has no atob. Buffers come through as they are. */
  const bytes = (packed) => {
    if (typeof packed !== 'string') return packed;
    const end = packed.length - (packed.endsWith('==') ? 2 : packed.endsWith('=') ? 1 : 0);
    const out = new Uint8Array(Math.floor((end * 3) / 4));
    for (let i = 0, at = 0, bits = 0, held = 0; i < end; i++) {
      held = (held << 6) | CODES[packed.charCodeAt(i)];
      bits += 6;
      if (bits >= 8) {
        bits -= 8;
        out[at++] = (held >> bits) & 255;
        held &= (1 << bits) - 1;
      }
    }
    return out.buffer;
  };

  /** A voice as ddsp_match.web.voice made it, or with its base64 already turned into ArrayBuffers, ready to play. */
  const decode = (voice) => {
    if (voice.format !== 'ddsp-match voice' || voice.version !== 1)
      throw new Error(`found: ${voice.format} version ${voice.version}; needed: a ddsp-match voice, version 1`);
    const {n_frames: frames, n_partials: given, n_bands: bands, channels} = voice;
    const partials = Math.min(given, MOST_PARTIALS);
    const f0 = new Float32Array(bytes(voice.f0_hz)), amplitude = new Float32Array(bytes(voice.amplitude));
    const shares = new Uint16Array(bytes(voice.distribution));
    const turns = voice.phases ? new Uint16Array(bytes(voice.phases)) : null;
    const noise = new Uint8Array(bytes(voice.noise));
    const nyquist = voice.sample_rate / 2;
    const out = {
      ...voice, partials, bands, frames, f0: [], magnitude: [], phase: [], codes: [], gainOf: new Float32Array(256),
      shared: f0.length === frames, envelope: new Uint8Array(bytes(voice.envelope)),
      envelopeCount: voice.envelope_count, others: (voice.others || []).map(decode),
    };
    for (let code = 1; code < 256; code++)
      out.gainOf[code] = 10 ** ((voice.noise_base_db + code * voice.noise_step_db) / 20);
    for (let c = 0; c < channels; c++) {
      const from = out.shared ? 0 : c * frames;
      out.f0.push(f0.slice(from, from + frames));
      const magnitude = new Float32Array(frames * partials), phase = turns ? new Float32Array(frames * partials) : null;
      for (let i = 0; i < frames; i++) {
        const base = out.f0[c][i] / voice.divisions, loud = amplitude[c * frames + i];
        for (let k = 0; k < partials; k++) {
          const at = (c * frames + i) * given + k;
          // What lies at or above the patch's own Nyquist is silent there, so it is silent here.
          magnitude[i * partials + k] = base * (k + 1) < nyquist ? loud * (shares[at] / 65535) ** 2 : 0;
          if (phase) phase[i * partials + k] = (turns[at] * 2 * Math.PI) / 65536;
        }
      }
      out.magnitude.push(magnitude);
      out.phase.push(phase);
      out.codes.push(noise.subarray(c * frames * bands, (c + 1) * frames * bands));
    }
    return out;
  };

  return {HALF, MOST_PARTIALS, LARGEST, Fft, planOf, sizeFor, warmUp, read, decode};
})();
