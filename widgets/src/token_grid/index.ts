import type { RenderContext } from "../kit/model";
import { TokenGridView } from "./widget";

export default {
  render({ model, el }: RenderContext): () => void {
    const end = new AbortController();
    new TokenGridView(model, el, end.signal);
    return () => {
      end.abort();
      el.replaceChildren();
    };
  },
};
