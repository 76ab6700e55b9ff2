// The server's answers. Whatever goes wrong becomes a Trouble with found, needed and try.
const GONE = {
  found: "The server does not answer.",
  needed: "ddsp-match app, running in a terminal on this computer.",
  try: "Start it again with “ddsp-match app”. Finished matches are kept in outputs/.",
};

export class Trouble extends Error {
  constructor({ found, needed = "", try: hint = "" }, status = 0) {
    super(found);
    this.found = found;
    this.needed = needed;
    this.hint = hint;
    this.status = status;
    this.gone = found === GONE.found;
  }
}

const listeners = new Set();
export const onReach = (listener) => listeners.add(listener); // told true or false after each request
const reached = (yes) => listeners.forEach((listener) => listener(yes));

async function troubleOf(answer) {
  try {
    const { error } = await answer.json();
    return new Trouble(typeof error === "string" ? { found: error } : error, answer.status);
  } catch {
    return new Trouble({ found: `The server answered ${answer.status} ${answer.statusText}.` }, answer.status);
  }
}

export async function request(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, {
      ...options,
      // Only a page of this origin can set this header: the server changes nothing without it.
      headers: { "X-Ddsp-Match": "1", ...options.headers },
      credentials: "same-origin",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    reached(false);
    throw new Trouble(GONE);
  }
  reached(true);
  if (!answer.ok) throw await troubleOf(answer);
  return answer;
}

export const get = async (path, options) => (await request(path, options)).json();

export const getBytes = async (path, options) => (await request(path, options)).arrayBuffer();

const send = (method) => async (path, body = {}) =>
  (await request(path, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) })).json();
export const post = send("POST"), patch = send("PATCH");
export const remove = (path) => request(path, { method: "DELETE" });

// fetch tells nothing about how far an upload has come; XMLHttpRequest does.
export function upload(path, blob, onProgress = () => {}) {
  return new Promise((done, failed) => {
    const ask = new XMLHttpRequest();
    ask.open("POST", path);
    ask.setRequestHeader("X-Ddsp-Match", "1");
    ask.setRequestHeader("Content-Type", "application/octet-stream");
    ask.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    ask.onerror = () => { reached(false); failed(new Trouble(GONE)); };
    ask.onload = async () => {
      reached(true);
      const answer = new Response(ask.response, { status: ask.status, statusText: ask.statusText });
      if (ask.status >= 200 && ask.status < 300) done(await answer.json());
      else failed(await troubleOf(answer));
    };
    ask.send(blob);
  });
}

export const query = (values) => {
  const text = new URLSearchParams(Object.entries(values).filter(([, value]) => value !== null && value !== undefined)).toString();
  return text && `?${text}`;
};
