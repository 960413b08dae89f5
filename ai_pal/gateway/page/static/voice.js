// Speech into text, only where the browser does it on this device: most send what they hear to their makers.

import { $, announce } from "./dom.js";

export async function listens(text, changed) {
  const Speech = self.SpeechRecognition;
  const language = document.documentElement.dataset.speech || navigator.language;
  if (!Speech?.available || !("processLocally" in Speech.prototype)) return;
  const there = await Speech.available({ langs: [language], processLocally: true }).catch(() => "unavailable");
  if (there !== "available") return;
  const button = $("#speak");
  let heard = null;
  button.hidden = false;
  button.onclick = () => {
    if (heard) return heard.stop();
    heard = new Speech();
    Object.assign(heard, { processLocally: true, lang: language, continuous: true, interimResults: false });
    heard.onresult = (event) => {
      for (const result of [...event.results].slice(event.resultIndex)) {
        const said = result[0].transcript.trim();
        text.value += (text.value && !/\s$/.test(text.value) ? " " : "") + said;
      }
      changed();
    };
    heard.onerror = (event) => announce(`Listening has failed: ${event.error}`);
    heard.onend = () => { heard = null; button.ariaPressed = "false"; };
    button.ariaPressed = "true";
    heard.start();
  };
}
