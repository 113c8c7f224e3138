// shared: the worker that all tabs of this map share.

import {Hub} from "./hub.mjs";

const hub = new Hub();
self.onconnect = (event) => hub.connect(event.ports[0]);
