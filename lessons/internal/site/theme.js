(function () {
  var root = document.documentElement, key = "spindle-theme";
  try { var t = localStorage.getItem(key); if (t) root.dataset.theme = t; } catch (e) {}
  addEventListener("DOMContentLoaded", function () {
    var button = document.getElementById("theme");
    button.hidden = false;
    button.addEventListener("click", function () {
      var dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
      try { localStorage.setItem(key, root.dataset.theme); } catch (e) {}
    });
  });
})();
