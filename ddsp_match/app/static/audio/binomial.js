// How likely guessing is to get at least so many right: the exact binomial tail.
export function pValue(right, trials) {
  let term = 0.5 ** trials, tail = 0; // the chance of exactly k right, from k = trials downward
  for (let k = trials; k >= right; k--) { tail += term; term *= k / (trials - k + 1); }
  return Math.min(1, tail);
}

export function verdictWords(right, trials) {
  const p = pValue(right, trials);
  const share = p < 0.001 ? "less than 0.1 %" : `${+(100 * p).toPrecision(2)} %`;
  const luck = `Guessing alone gets at least ${right} of ${trials} right in ${share} of such tests.`;
  if (p <= 0.05) return { p, heard: true, headline: "You can tell them apart.", text: luck };
  if (trials < 8) return { p, heard: null, headline: "Too early to say.", text: `${luck} More trials tell more.` };
  return { p, heard: false, headline: "No sign that you can tell them apart.", text: luck };
}
