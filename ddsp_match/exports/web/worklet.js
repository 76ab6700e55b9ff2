'use strict';
// The processor "ddsp-match-synth": messages in, sound out.
(() => {
  const {Synth, Keys} = globalThis;
  const REPORT_S = 0.5;

  class Processor extends AudioWorkletProcessor {
    constructor({processorOptions: options = {}} = {}) {
      super();
      this.keyboard = new Keys.Keyboard(sampleRate);
      this.keyboard.onsounding = (midi) => this.port.postMessage({type: 'sounding', midi, time: this.now});
      this.keyboard.onended = () => this.port.postMessage({type: 'ended'});
      this.now = 0;
      this.worked = 0; // milliseconds; the clock is coarse, but right on average
      this.blocks = 0;
      this.port.onmessage = ({data}) => {
        try {
          this.told(data);
        } catch (error) {
          this.port.postMessage({type: 'problem', message: error.message});
        }
      };
      // An OfflineAudioContext takes no messages before it is over.
      this.later = [];
      for (const message of options.messages || [])
        if (message.at === undefined) this.told(message);
        else this.later.push(message);
    }

    told(message) {
      const {keyboard} = this;
      switch (message.type) {
        case 'voice':
          keyboard.load(Synth.decode(message.voice));
          this.port.postMessage({type: 'ready'});
          break;
        case 'on': keyboard.on(message.midi, message.velocity); break;
        case 'off': keyboard.off(message.midi); break;
        case 'knob': keyboard.knob(message.name, message.value); break;
        case 'bend': keyboard.bendTo = message.semitones; break;
        case 'sustain': keyboard.sustain(message.down); break;
        case 'panic': keyboard.panic(); break;
        case 'play': keyboard.play(); break;
        case 'stop': keyboard.stop(); break;
        default: throw new Error(`found: message ${message.type}; needed: voice, on, off, knob, bend, sustain, panic, play or stop`);
      }
    }

    process(_, [outs]) {
      if (!outs.length) return true;
      const before = Date.now();
      this.now = currentTime;
      while (this.later.length && this.later[0].at <= currentTime) this.port.onmessage({data: this.later.shift()});
      for (let from = 0; from < outs[0].length; from += Keys.BLOCK) this.keyboard.block(outs, from);
      this.worked += Date.now() - before;
      this.blocks += outs[0].length;
      if (this.blocks >= REPORT_S * sampleRate) {
        const voices = this.keyboard.sounding;
        if (voices || this.spoke) this.port.postMessage({type: 'load', share: (this.worked / 1000 / this.blocks) * sampleRate, voices});
        this.spoke = voices > 0;
        this.worked = 0;
        this.blocks = 0;
      }
      return true;
    }
  }

  registerProcessor('ddsp-match-synth', Processor);
})();
