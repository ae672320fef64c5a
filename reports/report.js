// Filters, copying and the keys of the timelines. Without it the page can be read as it is.
(() => {
  "use strict";
  const form = document.querySelector("form.filters");
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // What is filtered says in data-property, -scenario, -fault and -step what it is about, as words.
  const names = ["property", "scenario", "fault", "step"];
  const items = all("[data-filter]").map((element) => ({ element, has: names.map((n) => n in element.dataset ? element.dataset[n].split(" ") : null) }));
  const filter = () => {
    const wanted = names.map((n) => form.elements[n].value);
    let shown = 0, findings = 0;
    for (const { element, has } of items) {
      const here = wanted.every((w, i) => !w || !has[i] || has[i].includes(w));
      if (element.hidden === here) element.hidden = !here;
      if (element.matches(".finding")) { findings++; if (here) shown++; }
    }
    form.querySelector("output").value = wanted.some(Boolean) ? `${shown} of ${findings} findings` : "";
    const set = new URLSearchParams(names.flatMap((n, i) => wanted[i] ? [[n, wanted[i]]] : []));
    const hash = set.size ? "#?" + set : "";
    if (hash || location.hash.startsWith("#?")) history.replaceState(null, "", hash || "#");
  };

  // A link may name a finding, or filters: report.html#?property=double-credit&step=charge.
  const follow = () => {
    if (location.hash.startsWith("#?")) {
      const set = new URLSearchParams(location.hash.slice(2));
      for (const n of names) form.elements[n].value = set.get(n) || "";
      filter();
      return;
    }
    const at = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!at) return;
    if (at.closest("[hidden]")) { form.reset(); filter(); }
    for (let d = at.closest("details"); d; d = d.parentElement.closest("details")) d.open = true;
    at.scrollIntoView();
    if (at.matches("details")) at.querySelector("summary").focus({ preventScroll: true });
  };

  form.hidden = false;
  form.addEventListener("change", filter);
  form.addEventListener("reset", () => setTimeout(filter));
  form.addEventListener("submit", (e) => e.preventDefault());
  addEventListener("hashchange", follow);
  document.addEventListener("click", (e) => { // a link to where one is already
    const link = e.target.closest("a[href^='#']");
    if (link && link.hash === location.hash) follow();
  });
  follow();

  for (const button of all("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const code = button.parentElement.querySelector("code");
      let done = true;
      try {
        await navigator.clipboard.writeText(code.textContent);
      } catch { // no clipboard for a page from a file: what is to be copied is marked
        getSelection().selectAllChildren(code);
        done = document.execCommand("copy");
      }
      button.textContent = done ? "Copied" : "Marked: copy it";
    });
  }

  // In a timeline the arrow keys go from event to event; the line below it tells the one that has the focus.
  const tell = (e) => {
    const mark = e.target.closest(".sequence g[tabindex]");
    if (mark) mark.closest(".timeline").querySelector(".told").textContent = mark.querySelector("title").textContent;
  };
  document.addEventListener("focusin", tell);
  document.addEventListener("mouseover", tell);
  document.addEventListener("keydown", (e) => {
    const mark = e.target.closest(".sequence g[tabindex]");
    const by = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (!mark || !by) return;
    const marks = all("g[tabindex]", mark.closest("svg"));
    const next = marks[marks.indexOf(mark) + by];
    if (next) {
      mark.setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
    }
    e.preventDefault();
  });

  addEventListener("beforeprint", () => all("details.finding").forEach((d) => { d.open = true; }));
})();
