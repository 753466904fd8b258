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

// Show the form, take what the address asks, and keep the address in step, unless it says more than that.
export function start() {
  if (!form?.elements.length) return;
  form.hidden = false;
  form.addEventListener("submit", event => event.preventDefault());
  const read = () => { if (location.hash.startsWith(`#${BEGINS}`)) ask(Object.fromEntries(new URLSearchParams(location.hash.slice(BEGINS.length + 1)))); };
  addEventListener("hashchange", read);
  read();
  form.addEventListener("change", event => {
    if (!event.isTrusted) return;
    history.replaceState(history.state, "", `#${fragmentFor(asked())}`);
  });
}
