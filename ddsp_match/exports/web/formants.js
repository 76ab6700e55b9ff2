'use strict';
// The strengths of one frame's partials, and how they change with pitch: moved along with it, or read anew from the
// frame's spectral envelope, so that a transposed key keeps its body.
globalThis.Formants = (() => {
  const {MOST_PARTIALS} = globalThis.Synth;
  const MOST_GAIN = 10 ** (24 / 20); // where the envelope falls off a cliff
  const strength = new Float64Array(MOST_PARTIALS + 1); // of partial k at k
  /** The envelope's code, half a dB a step, at harmonic `x` of its frame; level beyond both ends. */
  const codeAt = (voice, frame, x) => {
    const {envelope, envelopeCount: count} = voice, from = frame * count;
    const place = Math.min(count - 1, Math.max(0, x - 1)), low = Math.floor(place);
    const here = envelope[from + low];
    return low + 1 < count ? here + (envelope[from + low + 1] - here) * (place - low) : here;
  };

  /** Fills `strength` from a place between two frames, blended with a frame elsewhere. */
  const gather = (voice, c, count, place, after, share, other, blend) => {
    const magnitude = voice.magnitude[c], {partials} = voice;
    const here = place * partials, there = after * partials, across = other * partials;
    for (let k = 1, i = 0; k <= partials; k++, i++) {
      let loud = magnitude[here + i];
      if (share) loud += (magnitude[there + i] - loud) * share;
      if (blend) loud += (magnitude[across + i] - loud) * blend;
      strength[k] = loud;
    }
    for (let k = partials + 1; k <= count; k++) strength[k] = 0;
  };

  /**
   * Moves each partial's level by what the envelope changes from its own frequency to the one `ratio` times as high.
   * What lies below the fundamental goes along with it; the power stays, however steeply the envelope falls.
   */
  const keep = (voice, count, ratio, frame) => {
    const {divisions, partials, envelope_group: group} = voice;
    const perCode = (voice.noise_step_db / 20) * Math.LN10;
    let before = 0, after = 0;
    for (let k = 1; k <= partials; k++) before += strength[k] * strength[k];
    for (let k = 1; k <= count; k++) {
      if (k <= partials ? strength[k] === 0 : k % divisions) continue;
      const from = Math.max(k, divisions), target = codeAt(voice, frame, (from * ratio) / group);
      if (k <= partials) strength[k] *= Math.min(MOST_GAIN, Math.exp((target - codeAt(voice, frame, from / group)) * perCode));
      else strength[k] = voice.gainOf[Math.round(target)]; // above the patch's last partial there is only the envelope
      after += strength[k] * strength[k];
    }
    const level = after > 0 ? Math.min(MOST_GAIN, Math.sqrt(before / after)) : 1;
    for (let k = 1; k <= count; k++) strength[k] *= level;
  };

  /** Tilts by `slope` factors of two an octave around `pivot` (in units of the base frequency). */
  const tilt = (count, slope, pivot) => {
    for (let k = 1; k <= count; k++) if (strength[k]) strength[k] *= (k / pivot) ** slope;
  };

  return {strength, gather, keep, tilt};
})();
