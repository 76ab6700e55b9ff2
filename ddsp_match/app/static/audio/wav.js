// WAV files made in the browser: of a recording, and of formats that only the browser can read.

// channels: one Float32Array each. 32-bit float, so that nothing is rounded or clipped.
export function encodeWav(channels, sampleRate) {
  const n = channels[0].length, width = 4 * channels.length;
  const view = new DataView(new ArrayBuffer(58));
  const text = (at, word) => [...word].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF"); view.setUint32(4, 50 + n * width, true); text(8, "WAVE");
  text(12, "fmt "); view.setUint32(16, 18, true); view.setUint16(20, 3, true); view.setUint16(22, channels.length, true);
  view.setUint32(24, sampleRate, true); view.setUint32(28, sampleRate * width, true); view.setUint16(32, width, true); view.setUint16(34, 32, true);
  text(38, "fact"); view.setUint32(42, 4, true); view.setUint32(46, n, true);
  text(50, "data"); view.setUint32(54, n * width, true);
  const samples = new Float32Array(n * channels.length);
  channels.forEach((channel, c) => { for (let i = 0; i < n; i++) samples[i * channels.length + c] = channel[i]; });
  return new Blob([view, samples], { type: "audio/wav" }); // typed arrays are little-endian wherever browsers run
}

export async function decodeHere(blob) {
  const context = new OfflineAudioContext(1, 1, 48000);
  const sound = await context.decodeAudioData(await blob.arrayBuffer());
  const channels = Array.from({ length: Math.min(2, sound.numberOfChannels) }, (_, c) => sound.getChannelData(c));
  return encodeWav(channels, sound.sampleRate);
}

export const readByServer = (name) => /\.(wav|flac|ogg|oga|mp3|aiff?|aifc|caf)$/i.test(name);
