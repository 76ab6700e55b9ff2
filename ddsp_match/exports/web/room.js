'use strict';
// The room behind an instrument, as the samples that a ConvolverNode takes. Sets globalThis.Room.
globalThis.Room = (() => {
  const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).buffer;
  const SINC_REACH = 16; // zero crossings to either side

  /** A response at another rate. Its first tap, the direct sound, stays one tap; the echoes are interpolated. */
  const resampled = (taps, ratio) => {
    if (ratio === 1) return taps;
    const out = new Float32Array(Math.ceil(taps.length * ratio)), cut = Math.min(1, ratio), reach = SINC_REACH / cut;
    for (let i = 0; i < out.length; i++) {
      const place = i / ratio;
      let sum = 0;
      for (let k = Math.max(1, Math.ceil(place - reach)); k < Math.min(taps.length, place + reach); k++) {
        const x = (place - k) * cut, u = Math.PI * x;
        sum += taps[k] * (Math.abs(u) < 1e-9 ? 1 : Math.sin(u) / u) * (0.5 + 0.5 * Math.cos(u / SINC_REACH));
      }
      out[i] = (sum * cut) / ratio; // an echo is spread over more taps, each the weaker
    }
    out[0] += taps[0];
    return out;
  };

  /** The room of a voice, at the rate of the context. */
  const heard = (context, response) => {
    const all = new Float32Array(bytesOf(response.samples)), {channels, n_samples: n} = response;
    const rows = Array.from({length: channels}, (_, c) =>
      resampled(all.subarray(c * n, (c + 1) * n), context.sampleRate / response.sample_rate));
    const buffer = new AudioBuffer({numberOfChannels: channels, length: rows[0].length, sampleRate: context.sampleRate});
    rows.forEach((row, c) => buffer.copyToChannel(row, c));
    return buffer;
  };

  /** A small hall: noise that decays, the highs sooner. */
  const invented = (context) => {
    const rate = context.sampleRate, n = Math.round(1.8 * rate), lead = Math.round(0.012 * rate);
    const buffer = new AudioBuffer({numberOfChannels: 2, length: n, sampleRate: rate});
    let seed = 1;
    for (let c = 0; c < 2; c++) {
      const samples = buffer.getChannelData(c);
      for (let i = lead, held = 0; i < n; i++) {
        seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
        const t = (i - lead) / rate, smooth = Math.min(0.93, 0.25 + 0.5 * t);
        held = held * smooth + (seed / 2147483648 - 1) * (1 - smooth);
        samples[i] = held * 10 ** ((-3 * t) / 1.6) * Math.min(1, t / 0.004);
      }
    }
    return buffer;
  };

  return {heard, invented};
})();
