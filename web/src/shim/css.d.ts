/* SPDX-License-Identifier: Apache-2.0 */
import "react";

/* Custom properties in style props. */
declare module "react" {
  interface CSSProperties {
    "--a"?: string;
  }
}
