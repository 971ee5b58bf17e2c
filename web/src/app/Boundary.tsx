/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps a fault in the part that has it: the rest of the page goes on working. */
import { Component, type ReactNode } from "react";
import { Button } from "../parts/Button";
import { words } from "../words";
import { messageOf } from "./faults";

interface State {
  fault?: unknown;
}

export class Boundary extends Component<{ children: ReactNode }, State> {
  state: State = {};

  static getDerivedStateFromError(fault: unknown): State {
    return { fault };
  }

  render() {
    if (this.state.fault === undefined) return this.props.children;
    return (
      <div className="empty">
        <p className="words">{words.broken}</p>
        <p className="small alarm">{messageOf(this.state.fault)}</p>
        <Button onClick={() => this.setState({ fault: undefined })}>{words.retry}</Button>
      </div>
    );
  }
}
