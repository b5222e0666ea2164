import { connect } from 'node:net';
import { target } from '../../../base/core/target.ts';
import { nap } from './allowed-neighbour.ts';

export const allowed = { connect, target, nap };
