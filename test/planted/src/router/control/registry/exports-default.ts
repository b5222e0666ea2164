// planted: lint/style/noDefaultExport
export default 1;
