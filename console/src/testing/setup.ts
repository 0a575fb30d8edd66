import "@testing-library/jest-dom/vitest";
import { cleanup } from "@testing-library/react";
import { afterEach } from "vitest";

// jsdom knows no modal dialogs; one that is open is enough for what components do with it.
HTMLDialogElement.prototype.showModal ??= function showModal(this: HTMLDialogElement) {
  this.open = true;
};
HTMLDialogElement.prototype.close ??= function close(this: HTMLDialogElement) {
  this.open = false;
};
// Nor constructed style sheets, which say nothing to a test.
CSSStyleSheet.prototype.replaceSync ??= () => undefined;
document.adoptedStyleSheets ??= [];

afterEach(cleanup);
