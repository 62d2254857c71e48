import type { RenderContext } from "../kit/model";
import { HeatmapView } from "./widget";

export default {
  render({ model, el }: RenderContext): () => void {
    const end = new AbortController();
    new HeatmapView(model, el, end.signal);
    return () => {
      end.abort();
      el.replaceChildren();
    };
  },
};
