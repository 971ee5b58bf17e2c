/* SPDX-License-Identifier: Apache-2.0 */
/* The chosen theme, before the first paint. A file of its own, because the page forbids inline script. */
(function () {
  for (const name of ["theme", "contrast"]) {
    const found = document.cookie.match(new RegExp("(?:^|; )" + name + "=(dark|light|more)"));
    if (found) document.documentElement.dataset[name] = found[1];
  }
})();
