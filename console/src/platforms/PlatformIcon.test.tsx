import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";

import { PlatformIcon } from "./PlatformIcon";

test("a platform's mark has its name and its size", () => {
  render(<PlatformIcon platform="youtube" size="lg" />);
  const icon = screen.getByRole("img", { name: "YouTube" });
  expect(icon).toHaveAttribute("width", "44");
  expect(icon.querySelector("path")).toHaveAttribute("fill", "#FF0000");
});

test("X is one platform under both of its names, and its black is visible in the dark", () => {
  const { container } = render(
    <>
      <PlatformIcon platform="X" />
      <PlatformIcon platform="TWITTER" />
    </>,
  );
  expect(screen.getAllByRole("img", { name: "X" })).toHaveLength(2);
  expect(container.querySelector("path")).toHaveAttribute("fill", "currentColor");
});

test("beside its name it is silent, and an unknown platform has a mark too", () => {
  const { container } = render(
    <>
      <PlatformIcon platform="BLUESKY" decorative />
      <PlatformIcon platform="ORKUT" />
    </>,
  );
  expect(container.querySelector("svg")).toHaveAttribute("aria-hidden", "true");
  expect(screen.getByRole("img", { name: "ORKUT" })).toBeInTheDocument();
});
