"use strict";
// Filters the findings. Without scripts the page is whole, only longer.
for (const article of document.querySelectorAll("article")) {
  const form = article.querySelector("form.filter");
  if (!form) continue;
  const count = form.querySelector("output");
  const rules = [...article.querySelectorAll(".rule")].map((element) => ({
    element,
    factor: element.dataset.factor,
    severity: element.dataset.severity,
    details: [...element.querySelectorAll("details")],
    sites: [...element.querySelectorAll(".site")].map((site) => ({ element: site, path: (site.dataset.path || "").toLowerCase() })),
  }));
  const all = rules.reduce((sum, rule) => sum + rule.sites.length, 0);
  const show = (element, shown) => { if (element.hidden === shown) element.hidden = !shown; };
  const apply = () => {
    const factor = form.elements.factor.value;
    const severity = form.elements.severity.value;
    const path = form.elements.path.value.trim().toLowerCase();
    let seen = 0;
    for (const rule of rules) {
      const wanted = (!factor || rule.factor === factor) && (!severity || rule.severity === severity);
      let here = 0;
      if (wanted) {
        for (const site of rule.sites) {
          const shown = !path || site.path.includes(path);
          show(site.element, shown);
          here += shown;
        }
        if (path) for (const details of rule.details) details.open = true;
      }
      show(rule.element, wanted && (here > 0 || (!path && rule.sites.length === 0)));
      seen += here;
    }
    count.value = `${seen} of ${all} findings`;
  };
  let timer = 0;
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(apply, 60); });
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => { event.preventDefault(); apply(); });
  form.hidden = false;
  apply();
}
document.addEventListener("keydown", (event) => {
  const field = document.querySelector("form.filter input[name=path]");
  if (!field || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
    event.preventDefault();
    field.focus();
  } else if (event.key === "Escape" && field.form.contains(document.activeElement)) {
    field.form.reset();
  }
});
window.addEventListener("beforeprint", () => { for (const details of document.querySelectorAll("details")) details.open = true; });
