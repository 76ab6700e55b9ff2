// The front-end library, in one place: Preact with hooks, and htm for markup without a build step.
import { h, render, Fragment } from "./vendor/preact.js";
import htm from "./vendor/htm.js";

export { render, Fragment };
export { useState, useEffect, useLayoutEffect, useRef, useMemo, useCallback } from "./vendor/hooks.js";
export const html = htm.bind(h);
