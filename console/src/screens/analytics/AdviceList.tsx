import { TrendingDown, TrendingUp } from "lucide-react";

import type { Advice } from "../../api/types";
import { cx } from "../../ui/classes";
import { exact, plural } from "../../ui/number";

/** How many findings are told: the largest stand first. */
const MOST = 6;

/** What differs from the rest of the posts, by how much, and on how many posts that rests. */
export function AdviceList({ advice }: { advice: Advice }) {
  const { recommendations, posts, minimumPosts } = advice;
  if (recommendations.length === 0) {
    return (
      <p className="text-[0.875rem] text-soft">
        {posts < 2 * minimumPosts
          ? `${plural(posts, "post")} of the last year ${posts === 1 ? "is" : "are"} too few; a kind of post and the rest take ${minimumPosts} each.`
          : `Nothing differs beyond chance among the ${exact(posts)} posts of the last year.`}
      </p>
    );
  }
  return (
    <ul className="grid gap-4">
      {recommendations.slice(0, MOST).map((finding) => {
        const up = finding.effectPercent >= 0;
        const Icon = up ? TrendingUp : TrendingDown;
        return (
          <li key={`${finding.dimension} ${finding.value}`} className="flex gap-3">
            <span className={cx("flex w-20 shrink-0 items-center gap-1.5 self-start font-semibold tabular-nums", up ? "text-good" : "text-bad")}>
              <Icon aria-hidden size={15} />
              {up ? "+" : "−"}
              {Math.abs(Math.round(finding.effectPercent))}%
            </span>
            <span className="min-w-0 text-[0.875rem]">
              {finding.text}
              <span className="block text-[0.75rem] text-soft">
                {plural(finding.posts, "post")} against {exact(finding.comparedWith)}; by chance in {finding.pValue < 0.001 ? "fewer than 1" : (finding.pValue * 1000).toFixed(0)} of 1,000
              </span>
            </span>
          </li>
        );
      })}
    </ul>
  );
}
