// Selecting letters, following work, and pieces of pages that come afterwards. Without it all pages work too.
(function () {
    "use strict";

    var GAP_MS = 700;
    var LONGEST_GAP_MS = 5000;

    function each(selector, act) {
        document.querySelectorAll(selector).forEach(act);
    }

    function ask(url) {
        return fetch(url, { credentials: "same-origin", cache: "no-store" }).then(function (answer) {
            if (!answer.ok) {
                throw new Error(String(answer.status));
            }
            return answer;
        });
    }

    // Ask again and again until the answer says that it is done; a Flower that restarts is waited for.
    function follow(url, show) {
        var gap = GAP_MS;

        function next() {
            ask(url).then(function (answer) {
                return answer.json();
            }).then(function (told) {
                show(told);
                if (!told.done) {
                    gap = Math.min(gap * 1.2, LONGEST_GAP_MS);
                    window.setTimeout(next, gap);
                }
            }).catch(function () {
                window.setTimeout(next, LONGEST_GAP_MS);
            });
        }

        next();
    }

    // What the page says of the record is from before the work's end: take these parts of it anew.
    function refresh() {
        ask(window.location.href).then(function (answer) {
            return answer.text();
        }).then(function (html) {
            var fresh = new DOMParser().parseFromString(html, "text/html").querySelectorAll("[data-refresh]");
            document.querySelectorAll("[data-refresh]").forEach(function (place, number) {
                if (fresh[number]) {
                    place.replaceWith(fresh[number]);
                }
            });
            each("[data-refresh] [data-load]", function (place) { load(place, place.dataset.load); });
        });
    }

    function followLetter(place) {
        var waited = "waited" in place.dataset;

        follow(place.dataset.follow, function (told) {
            place.textContent = told.text;
            place.className = "alert alert-" + told.tone;
            if (told.done && waited) {
                refresh();
            }
            waited = true;
        });
    }

    function fill(list, lines) {
        list.replaceChildren.apply(list, lines.map(function (line) {
            var item = document.createElement("li");
            item.append.apply(item, line);
            return item;
        }));
    }

    function bold(text) {
        var node = document.createElement("strong");
        node.textContent = text;
        return node;
    }

    function followJob(place) {
        follow(place.dataset.job, function (told) {
            var error = place.querySelector("[data-job-error]");
            place.querySelector("[data-job-text]").textContent = told.text;
            place.querySelector("[data-job-share]").value = told.share;
            error.textContent = told.error || "";
            error.hidden = !told.error;
            fill(place.querySelector("[data-job-outcomes]"), told.outcomes.map(function (one) {
                return [bold(String(one[1])), " " + one[0]];
            }));
            fill(place.querySelector("[data-job-refused]"), told.refused.map(function (line) {
                return [line];
            }));
        });
    }

    // The server escapes what it puts into these pieces, as in every page.
    function load(place, url) {
        place.setAttribute("aria-busy", "true");
        ask(url).then(function (answer) {
            return answer.text();
        }).then(function (html) {
            place.innerHTML = html;
        }).catch(function () {
            place.textContent = "This cannot be told at the moment: load the page again.";
        }).finally(function () {
            place.removeAttribute("aria-busy");
        });
    }

    function watchSelection(form) {
        var boxes = form.querySelectorAll("[data-select]");
        var page = form.querySelector("[data-select-page]");
        var all = form.querySelector("[data-all]");
        var said = form.querySelector("[data-selected]");

        if (!page) {
            return;
        }

        function update() {
            var count = Array.prototype.filter.call(boxes, function (box) { return box.checked; }).length;
            var everything = Boolean(all && all.checked);
            said.textContent = everything ? "All " + form.dataset.count + " selected"
                : count ? count + " selected" : "Nothing selected";
            page.checked = count === boxes.length;
            page.indeterminate = count > 0 && count < boxes.length;
            form.querySelectorAll("[data-needs-selection]").forEach(function (button) {
                button.disabled = !everything && count === 0;
            });
        }

        page.addEventListener("change", function () {
            boxes.forEach(function (box) { box.checked = page.checked; });
            update();
        });
        form.addEventListener("change", update);
        window.addEventListener("pageshow", update);
        update();
    }

    // Pressed twice it would be told that it was quicker than itself.
    function sendOnce(form) {
        form.addEventListener("submit", function (event) {
            if (form.dataset.sent) {
                event.preventDefault();
            }
            form.dataset.sent = "yes";
        });
        window.addEventListener("pageshow", function () { delete form.dataset.sent; });
    }

    document.addEventListener("DOMContentLoaded", function () {
        each("[data-follow]", followLetter);
        each("[data-job]", followJob);
        each("[data-load]", function (place) { load(place, place.dataset.load); });
        each("[data-load-on-click]", function (place) {
            place.addEventListener("click", function (event) {
                event.preventDefault();
                load(place, place.dataset.loadOnClick);
            }, { once: true });
        });
        each("#letters", watchSelection);
        each("form[method=post]", sendOnce);
    });
}());
