/* SPDX-License-Identifier: Apache-2.0 */
/* How much room is taken, held and left; from 80 % on also what can be done about it. Live. */
import { useQuery } from "convex/react";
import { Link } from "../app/router";
import { api } from "../convex/_generated/api";
import { words } from "./words";

export function StorageMeter() {
  const quota = useQuery(api.quotas.getStorageQuota, {});
  if (!quota) return <section className="room" aria-hidden="true" />;
  const { used, limit, reservedBytes: held, isNear, isFull, percentage, counts } = quota;
  const room = limit > 0 ? limit : undefined;
  const text = room === undefined ? words.usedOf(used) : words.used(used, room);
  const facts = counts.images > 0 ? [words.part(false, counts.images, quota.imageBytes)] : [];
  if (counts.videos > 0) facts.push(words.part(true, counts.videos, quota.videoBytes));
  if (quota.uploadedBytes > 0) facts.push(words.uploaded(quota.uploadedBytes));
  if (held > 0) facts.push(words.held(held));
  return (
    <section className="room" aria-label={words.title}>
      <p className="figure price">{text}{room !== undefined && <small>{words.share(percentage)}</small>}</p>
      {room !== undefined && (
        <span className="meter" role="meter" aria-label={words.title} aria-valuemin={0} aria-valuemax={room} aria-valuenow={Math.min(used, room)} aria-valuetext={text}>
          <i style={{ transform: `scaleX(${Math.min(1, used / room)})` }} />
        </span>
      )}
      <p className="facts">{facts.join(", ")}</p>
      {room !== undefined && isNear && <p className="room-warning" role="status">{isFull ? words.full(room) : words.near(Math.max(0, room - used - held))}</p>}
      <p className="wordlist">
        <Link className={isNear ? "button main" : "word"} href="/billing#plans">{words.upgrade}</Link>
        <Link className="word" href="/library">{words.library}</Link>
      </p>
    </section>
  );
}
