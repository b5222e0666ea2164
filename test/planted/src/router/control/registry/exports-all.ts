// planted: lint/performance/noReExportAll
export * from './target.ts';
