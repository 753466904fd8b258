// What the reader asks: an outcome and a setting. The form on the page holds both; the address can name them.
const BEGINS = "first?";
const MOST = 5, LONGEST = 60; // parts of an address that are quoted, and letters of each
const form = document.querySelector(".ask");
const radios = name => [...(form?.elements ?? [])].filter(radio => radio.name === name);
const checked = name => radios(name).find(radio => radio.checked);
const selects = () => [...(form?.querySelectorAll("select[data-of]") ?? [])]; // what a narrow page has in place of the buttons

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
  for (const name of ["outcome", "setting"]) choose(name, wanted[name]);
  const now = asked();
  if (now.outcome !== before.outcome || now.setting !== before.setting) form.dispatchEvent(new Event("change", {bubbles: true}));
}

function choose(name, wanted) {
  const radio = radios(name).find(({value}) => value === wanted);
  if (radio) radio.checked = true;
}

// The fragment of the address that asks for an outcome and a setting.
export const fragmentFor = ({outcome, setting}) =>
  BEGINS + new URLSearchParams(Object.entries({outcome, setting}).filter(([name, value]) => value !== null && radios(name).length));

// Call when something else is asked.
export function onAsked(heard) {
  form?.addEventListener("change", heard);
}

export const isQuestion = fragment => fragment.startsWith(BEGINS);

// The setting that has a label.
export const named = label => radios("setting").find(radio => radio.dataset.label === label)?.value;

const partsOf = fragment => (fragment.startsWith(BEGINS) ? [...new URLSearchParams(fragment.slice(BEGINS.length))] : []);

// What a fragment of the address asks for; nothing where it is of another kind.
export const wantedOf = fragment => Object.fromEntries(partsOf(fragment));

// What it asks for and the page does not have; of a single outcome or setting there are no buttons.
export const unknownIn = fragment => partsOf(fragment).filter(([name, text]) =>
  (radios(name).length ? !radios(name).some(({value}) => value === text) : !["outcome", "setting"].includes(name))).map(part => part.join("="));

// Say which parts of the address the page did not understand; nothing where it understood all.
export function misheard(parts) {
  const line = document.querySelector(".misheard"), shown = parts.slice(0, MOST).map(part => `“${part.slice(0, LONGEST)}”`);
  line.hidden = !parts.length;
  line.textContent = parts.length ? `Not understood in the address of this page, and left out: ${shown.join(", ")}${parts.length > MOST ? `, and ${parts.length - MOST} more` : ""}.` : "";
}

// Show the form and take what the address asks; every choice of the reader is an entry of the history.
export function start() {
  if (!form?.elements.length) return;
  const first = asked();
  form.hidden = false;
  form.addEventListener("submit", event => event.preventDefault());
  const show = () => { for (const select of selects()) select.value = checked(select.dataset.of).value; };
  for (const select of selects()) select.addEventListener("change", () => choose(select.dataset.of, select.value)); // then the form hears it
  form.addEventListener("change", show);
  const read = () => ask(location.hash.length > 1 ? wantedOf(location.hash.slice(1)) : first);
  show();
  read();
  addEventListener("hashchange", read);
  form.addEventListener("change", event => {
    const fragment = fragmentFor(asked());
    if (!event.isTrusted) return;
    misheard([]);
    history.pushState({weigh: fragment}, "", `#${fragment}`);
  });
}
