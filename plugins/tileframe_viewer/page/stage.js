"use strict";
// Opens one pyramid in OpenSeadragon, and gets and sets its view.
//
// A view is {x, y, zoom, rotation, flip}: the base pixel in the middle, screen pixels per base pixel, degrees.

(globalThis.tileframe ??= {}).stage = (() => {
  const CALM = globalThis.matchMedia?.("(prefers-reduced-motion: reduce)").matches;

  /** Open `pyramid` in `element`, with a navigator in `navigator` unless that is null. */
  function open(element, pyramid, navigator) {
    const viewer = new OpenSeadragon({
      element,
      tileSources: tileframe.source.open(pyramid),
      // WebGL refuses the tiles of a page that was opened as a file.
      drawer: "canvas",
      showNavigationControl: false,
      showNavigator: navigator !== null,
      navigatorElement: navigator,
      navigatorRotate: true,
      navigatorAutoFade: false,
      navigatorDisplayRegionColor: "#0f766e",
      animationTime: CALM ? 0 : 0.5,
      springStiffness: 9,
      gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
      gestureSettingsPen: { clickToZoom: false, dblClickToZoom: true },
      zoomPerScroll: 1.25,
      minZoomImageRatio: 0.8,
      maxZoomPixelRatio: 8,
      visibilityRatio: 0.4,
      preserveImageSizeOnResize: true,
      // What OpenSeadragon would do above 1:1 leaves the last row and column of the screen empty.
      smoothTileEdgesMinZoom: Infinity,
    });
    keepWhole(viewer);
    // OpenSeadragon makes tiles without overlap a pixel larger, so that no seams are seen between them.
    viewer.drawer.minimumOverlapRequired = (image) => !isOnPixels(viewer, image, pyramid.tileSize);
    // The page has its own keys, which work wherever the focus is.
    viewer.setKeyboardNavEnabled(false);
    viewer.canvas.setAttribute("role", "img");
    viewer.canvas.setAttribute("aria-label", `${pyramid.name}: drag or use the arrow keys to move, + and - to zoom`);
    return viewer;
  }

  /** Whether all tiles of `image` begin and end with whole pixels of the screen, so that there can be no seams. */
  function isOnPixels(viewer, image, tileSize) {
    const { viewport } = viewer;
    const ratio = OpenSeadragon.pixelDensityRatio;
    const corner = viewport.pixelFromPointNoRotate(image.getBoundsNoRotate(true).getTopLeft(), true);
    const side = image.viewportToImageZoom(viewport.getZoom(true)) * tileSize;
    const isWhole = (number) => Math.abs(number - Math.round(number)) < 1e-3;
    return viewport.getRotation(true) % 90 === 0 && [corner.x, corner.y, side].every((number) => isWhole(number * ratio));
  }

  /** Keep the whole slide in sight when `viewer` is given another size, if it was so before. */
  function keepWhole(viewer) {
    let [whole, size] = [true, null];
    viewer.addOnceHandler("open", () => (size = viewer.viewport.getContainerSize()));
    viewer.addHandler("viewport-change", () => {
      const { viewport } = viewer;
      const now = viewport.getContainerSize();
      if (!size.equals(now)) {
        if (whole) viewport.goHome(true);
      } else {
        const away = viewport.getCenter(true).distanceTo(viewport.getHomeBounds().getCenter());
        whole = away < 1e-6 && Math.abs(viewport.getZoom(true) / viewport.getHomeZoom() - 1) < 1e-6;
      }
      size = now;
    });
  }

  /** What is to be seen; `aim` asks for where a movement under way will end. */
  function view(viewer, pyramid, { aim = false } = {}) {
    const { viewport } = viewer;
    const middle = viewport.getCenter(!aim);
    return {
      x: middle.x * pyramid.width,
      y: middle.y * pyramid.width, // the viewport's unit is the picture's width, both ways
      zoom: (viewport.getZoom(!aim) * viewport.getContainerSize().x) / pyramid.width,
      rotation: ((viewport.getRotation(!aim) % 360) + 360) % 360,
      flip: viewport.getFlip(),
    };
  }

  /** Look from `view`, at once. */
  function look(viewer, pyramid, wanted) {
    const { viewport } = viewer;
    viewport.setRotation(wanted.rotation, true);
    viewport.setFlip(wanted.flip);
    viewport.zoomTo((wanted.zoom * pyramid.width) / viewport.getContainerSize().x, null, true);
    viewport.panTo(new OpenSeadragon.Point(wanted.x / pyramid.width, wanted.y / pyramid.width), true);
    viewport.applyConstraints(true);
  }

  /** Show the box {x, y, width, height}, with room around it. */
  function show(viewer, pyramid, box, room = 1.5) {
    const side = Math.max(box.width, box.height) * room;
    const [x, y] = [box.x + box.width / 2 - side / 2, box.y + box.height / 2 - side / 2];
    const rectangle = new OpenSeadragon.Rect(x, y, side, side).times(1 / pyramid.width);
    viewer.viewport.fitBoundsWithConstraints(rectangle, Boolean(CALM));
  }

  /** Move by screen pixels. */
  function pan(viewer, right, down) {
    const { viewport } = viewer;
    const across = viewport.getFlip() ? -right : right;
    viewport.panBy(viewport.deltaPointsFromPixels(new OpenSeadragon.Point(across, down)));
    viewport.applyConstraints();
  }

  /** The base point under a pointer event. */
  function pointUnder(viewer, pyramid, event) {
    const corner = viewer.element.getBoundingClientRect();
    const pixel = new OpenSeadragon.Point(event.clientX - corner.left, event.clientY - corner.top);
    const point = viewer.viewport.viewerElementToViewportCoordinates(pixel);
    return { x: point.x * pyramid.width, y: point.y * pyramid.width };
  }

  return { look, open, pan, pointUnder, show, view };
})();
