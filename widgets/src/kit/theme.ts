// Light or dark, whoever decides it: JupyterLab's variables, VS Code's, Colab's, or the reader's system.
import { h } from "./dom";
import { isDark, type Surface } from "./ramps";

export interface Theme extends Surface {
  ink: string;
  quiet: string;
  font: string;
  code: string;
}

export interface ThemeWatch {
  current(): Theme;
}

/**
 * The theme that holds inside an element, and a call when it changes. A hidden element carries the resolved background with a
 * transition, so that every change shows as an event, whatever made it.
 */
export function watchTheme(root: HTMLElement, changed: () => void, signal: AbortSignal): ThemeWatch {
  const probe = h("span", { class: "mi-theme-probe", "aria-hidden": "true" });
  root.append(probe);
  let theme = readTheme(root, probe);
  const check = () => {
    const next = readTheme(root, probe);
    if (JSON.stringify(next) === JSON.stringify(theme)) return;
    theme = next;
    root.classList.toggle("mi-dark", theme.dark);
    changed();
  };
  root.classList.toggle("mi-dark", theme.dark);
  // A notebook that swaps whole style sheets can cut a transition short.
  for (const event of ["transitionend", "transitioncancel"]) probe.addEventListener(event, check, { signal });
  // A widget that was hidden while the theme changed finds out when it is shown.
  const shown = new ResizeObserver(check);
  shown.observe(root);
  signal.addEventListener("abort", () => shown.disconnect());
  return { current: () => theme };
}

function readTheme(root: HTMLElement, probe: HTMLElement): Theme {
  const style = getComputedStyle(probe);
  const background = style.backgroundColor || "#ffffff";
  return {
    dark: isDark(background),
    background,
    ink: style.color,
    quiet: style.borderTopColor,
    font: getComputedStyle(root).fontFamily,
    code: style.fontFamily,
  };
}
