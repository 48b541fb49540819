// A form with data-passkey asks the browser for a passkey first, and takes the answer along.
(() => {
  const key = window.PublicKeyCredential; // not there without https, but on localhost
  const REASONS = {
    NotAllowedError: "Nothing came of it: it was cancelled, or took too long.",
    InvalidStateError: "This device has a passkey for your account already.",
    SecurityError: "Passkeys do not work under this address. An administrator can tell why.",
  };

  const questionOf = async (form) => {
    const here = document.getElementById(form.dataset.question);
    if (here) return JSON.parse(here.textContent);
    const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`${answer.status}`);
    return answer.json();
  };

  const create = async (form) => {
    const { publicKey } = (await questionOf(form)).creation_options;
    const alone = form.elements.passwordless?.checked ?? false;
    const chosen = { residentKey: alone ? "required" : "discouraged", requireResidentKey: alone };
    if (alone) chosen.userVerification = "required";
    publicKey.authenticatorSelection = { ...publicKey.authenticatorSelection, ...chosen };
    return navigator.credentials.create({ publicKey: key.parseCreationOptionsFromJSON(publicKey) });
  };

  const get = async (form) => {
    const { publicKey } = (await questionOf(form)).request_options;
    return navigator.credentials.get({ publicKey: key.parseRequestOptionsFromJSON(publicKey) });
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const complaint = form.querySelector("[data-complaint]");
    const complain = (words) => {
      complaint.textContent = words;
      complaint.hidden = false;
    };
    if (!key?.parseCreationOptionsFromJSON) {
      form.hidden = !form.dataset.question; // one way in of several: it is not missed
      form.querySelector("button").disabled = true;
      complain("This browser has no passkeys, or not under an address without https.");
      continue;
    }
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      complaint.hidden = true;
      try {
        const passkey = await (form.dataset.passkey === "create" ? create : get)(form);
        form.elements.credential.value = JSON.stringify(passkey.toJSON());
        form.submit();
      } catch (error) {
        complain(REASONS[error.name] ?? "That did not work. Try again, or sign in otherwise.");
      }
    });
  }
})();
