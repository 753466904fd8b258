// What the reader asks: an outcome and a setting. The form on the page holds both; the address can name them.
const BEGINS = "first?";
const form = document.querySelector(".ask");
const radios = name => [...(form?.elements ?? [])].filter(radio => radio.name === name);
const checked = name => radios(name).find(radio => radio.checked);

// The outcome and the setting by their names, the setting also by its label; null where the page has but one.
export const asked = () => ({
  outcome: checked("outcome")?.value ?? null,
  setting: checked("setting")?.value ?? null,
  place: checked("setting")?.dataset.label ?? null,
});

export const labels = new Set(radios("setting").map(radio => radio.dataset.label));

// Ask for an outcome, a setting or both; what the page does not know is left as it is.
export function ask(wanted) {
  const before = asked();
  for (const name of ["outcome", "setting"]) {
    const radio = radios(name).find(({value}) => value === wanted[name]);
    if (radio) radio.checked = true;
  }
  const now = asked();
  if (now.outcome !== before.outcome || now.setting !== before.setting) form.dispatchEvent(new Event("change", {bubbles: true}));
}

// The fragment of the address that asks for an outcome and a setting.
export const fragmentFor = ({outcome, setting}) =>
  BEGINS + new URLSearchParams(Object.entries({outcome, setting}).filter(([name, value]) => value !== null && radios(name).length));

// Call when something else is asked.
export function onAsked(heard) {
  form?.addEventListener("change", heard);
}

// What a fragment of the address asks for; nothing where it is of another kind.
export const wantedOf = fragment =>
  (fragment.startsWith(BEGINS) ? Object.fromEntries(new URLSearchParams(fragment.slice(BEGINS.length))) : {});

// Show the form and take what the address asks; every choice of the reader is an entry of the history.
export function start() {
  if (!form?.elements.length) return;
  const first = asked();
  form.hidden = false;
  form.addEventListener("submit", event => event.preventDefault());
  const read = () => ask(location.hash.length > 1 ? wantedOf(location.hash.slice(1)) : first);
  read();
  addEventListener("hashchange", read);
  form.addEventListener("change", event => {
    const fragment = fragmentFor(asked());
    if (event.isTrusted) history.pushState({weigh: fragment}, "", `#${fragment}`);
  });
}
