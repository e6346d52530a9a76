// Runs before the first paint, so that a dark room never sees a white flash.
import { applyPreferences } from './preferences.js';

applyPreferences();
