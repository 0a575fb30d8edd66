/** The first letters of a name, where there is no portrait. */
export function Initials({ name, large = false }: { name: string; large?: boolean }) {
  const parts = name.trim().split(/\s+/);
  const letters = [parts[0], parts.length > 1 ? parts.at(-1) : undefined].map((part) => [...(part ?? "")][0] ?? "").join("");
  return (
    <span
      aria-hidden
      className={`grid shrink-0 place-items-center rounded-full bg-accent-wash font-semibold text-accent ${large ? "size-12 text-base" : "size-10 text-[0.8125rem]"}`}
    >
      {letters.toUpperCase()}
    </span>
  );
}
