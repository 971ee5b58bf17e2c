/* SPDX-License-Identifier: Apache-2.0 */
/* What need not wait for the application: the chosen theme, before the first paint; the files of the page
   that was asked for; and who asks. A file of its own, because the page forbids inline script. */
(function () {
  for (const name of ["theme", "contrast"]) {
    const found = document.cookie.match(new RegExp("(?:^|; )" + name + "=(dark|light|more)"));
    if (found) document.documentElement.dataset[name] = found[1];
  }
  const pieces = document.querySelector('meta[name="pieces"]');
  if (!pieces) return;
  const page = location.pathname.split("/")[1];
  for (const href of JSON.parse(pieces.content)[page] || []) {
    document.head.append(Object.assign(document.createElement("link"), { rel: "modulepreload", href }));
  }
  if (page === "sign-in" || page === "sign-up") return;
  window.whoAsks = fetch("/api/auth/token", {
    method: "POST", headers: { "content-type": "application/json" }, body: "{}", credentials: "same-origin",
  });
  window.whoAsks.catch(() => undefined);
})();
