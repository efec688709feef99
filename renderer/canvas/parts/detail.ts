/** Whether cards are drawn with all their parts. Detail within that is the style sheet's. */
import { createContext, useContext } from 'react';

export type Nearness = 'near' | 'far';
const NearnessContext = createContext<Nearness>('near');
export const NearnessProvider = NearnessContext.Provider;
export const useNearness = (): Nearness => useContext(NearnessContext);
