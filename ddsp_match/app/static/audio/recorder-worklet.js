// Hands the microphone's samples to the page, block by block, as they are.
registerProcessor("ddsp-match-recorder", class extends AudioWorkletProcessor {
  process([input]) {
    if (input.length) this.port.postMessage(input.slice(0, 2).map((channel) => channel.slice()));
    return true;
  }
});
