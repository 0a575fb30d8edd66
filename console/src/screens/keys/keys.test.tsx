import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, test, vi } from "vitest";

import type { CreatedApiKey } from "../../api/types";
import { endOf, endsSoon } from "./ends";
import { KeyShown } from "./KeyShown";

const NOW = Date.parse("2026-11-05T09:00:00Z");
const made = (key: string | null): CreatedApiKey => ({ id: "key_1", name: "Nightly report", role: "admin", createdAt: "2026-11-05T09:00:00Z", createdBy: "staff", key }) as CreatedApiKey;
const button = (name: string) => screen.getByRole("button", { name });

describe("when a key ends", () => {
  test("is counted from now, or is a day as a whole, or never", () => {
    expect(endOf("30", "", NOW)).toBe("2026-12-05T09:00:00.000Z");
    expect(endOf("never", "", NOW)).toBeNull();
    expect(endOf("date", "2026-11-06", NOW)).toBe(new Date("2026-11-06T23:59:59").toISOString());
  });

  test("is not a day that is over, or none", () => {
    expect([endOf("date", "2026-11-01", NOW), endOf("date", "", NOW)]).toEqual([undefined, undefined]);
  });

  test("is told in time", () => {
    expect([endsSoon("2026-11-10T00:00:00Z", NOW), endsSoon("2026-12-10T00:00:00Z", NOW)]).toEqual([true, false]);
  });
});

describe("a new key", () => {
  test("is copied, and then closed at once", async () => {
    const user = userEvent.setup();
    const onClose = vi.fn();
    render(<KeyShown made={made("hk_secret")} onClose={onClose} />);
    expect(screen.getByLabelText("The key")).toHaveValue("hk_secret");
    await user.click(button("Copy"));
    expect(await navigator.clipboard.readText()).toBe("hk_secret");
    await user.click(button("Done"));
    expect(onClose).toHaveBeenCalledOnce();
  });

  test("that was not copied is not closed by a slip", async () => {
    const user = userEvent.setup();
    const onClose = vi.fn();
    render(<KeyShown made={made("hk_secret")} onClose={onClose} />);
    await user.click(button("Close"));
    expect(onClose).not.toHaveBeenCalled();
    expect(screen.getByText("You have not copied it, and it cannot be shown again.")).toBeInTheDocument();
    await user.click(button("Close without it"));
    expect(onClose).toHaveBeenCalledOnce();
  });

  test("is selected where the browser lets no page copy", async () => {
    const user = userEvent.setup();
    vi.spyOn(navigator.clipboard, "writeText").mockRejectedValue(new Error("not allowed"));
    render(<KeyShown made={made("hk_secret")} onClose={vi.fn()} />);
    await user.click(button("Copy"));
    expect(await screen.findByText(/copy it by hand/)).toBeInTheDocument();
    const field = screen.getByLabelText<HTMLInputElement>("The key");
    expect(field.value.slice(field.selectionStart ?? 0, field.selectionEnd ?? 0)).toBe("hk_secret");
  });

  test("whose answer was lost says what to do", () => {
    render(<KeyShown made={made(null)} onClose={vi.fn()} />);
    expect(screen.getByText(/Revoke Nightly report and make another one/)).toBeInTheDocument();
  });
});
