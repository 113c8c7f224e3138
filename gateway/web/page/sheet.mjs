// sheet: a canvas over the map, of the map's size and a margin, which Leaflet moves with the map
// until it is drawn again. What is drawn on it is the caller's.

// Pictures cost by the device's pixels; beyond two for one of the page nobody sees a difference.
const RATIO_MAX = 2;

export class Sheet {
    // `margin` is a share of the map's size, shown while the map is dragged. `paint(context, view)`
    // draws the view of gateway/web/page/view.mjs.
    constructor(map, name, zIndex, margin, paint) {
        this.map = map;
        this.margin = margin;
        this.paint = paint;
        this.canvas = document.createElement("canvas");
        this.canvas.setAttribute("aria-hidden", "true");
        const pane = map.createPane(name);
        pane.style.zIndex = zIndex;
        pane.style.pointerEvents = "none";
        pane.append(this.canvas);
        this.context = this.canvas.getContext("2d");
    }

    draw() {
        const size = this.map.getSize();
        const across = Math.round(size.x * this.margin), down = Math.round(size.y * this.margin);
        const width = size.x + 2 * across, height = size.y + 2 * down;
        const ratio = Math.min(RATIO_MAX, window.devicePixelRatio || 1);
        const deviceWidth = Math.round(width * ratio), deviceHeight = Math.round(height * ratio);
        if (this.canvas.width !== deviceWidth || this.canvas.height !== deviceHeight) {
            this.canvas.width = deviceWidth;
            this.canvas.height = deviceHeight;
            this.canvas.style.width = `${width}px`;
            this.canvas.style.height = `${height}px`;
        }
        const corner = this.map.getPixelBounds().min;
        L.DomUtil.setPosition(this.canvas, this.map.containerPointToLayerPoint([-across, -down]));
        this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
        this.context.clearRect(0, 0, width, height);
        this.paint(this.context, {scale: 2 ** this.map.getZoom(), left: corner.x - across, top: corner.y - down,
                                  width, height, ratio});
    }
}
