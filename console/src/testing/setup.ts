import "@testing-library/jest-dom/vitest";

// jsdom knows no modal dialogs; one that is open is enough for what components do with it.
HTMLDialogElement.prototype.showModal ??= function showModal(this: HTMLDialogElement) {
  this.open = true;
};
HTMLDialogElement.prototype.close ??= function close(this: HTMLDialogElement) {
  this.open = false;
};
